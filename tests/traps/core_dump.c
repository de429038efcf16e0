// Trap 25: hakmem's own tables do not blow up a core dump. The kernel dumps private mappings that
// were written to, whole, unless they carry the flag "dd" (MADV_DONTDUMP).
#include "trap.h"
#include <pthread.h>

// The bound leaves room for chunks that threads map at the same time, each larger than the last.
enum { THREADS = 4, STACK_BYTES = 128 << 10, MOST_BYTES = 64 << 20 };

static void *allocate_a_little(void *nothing)
{
    trap_churn((uintptr_t)&nothing, 1000, 2000);
    return nothing;
}

// Bytes of mappings that were written to and will be dumped.
static size_t dumped_bytes(void)
{
    size_t total = 0, size = 0, written = 0;
    char line[4300];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    CHECK(smaps);
    while (fgets(line, sizeof line, smaps)) {
        sscanf(line, "Size: %zu", &size);
        sscanf(line, "Anonymous: %zu", &written);
        if (strncmp(line, "VmFlags:", 8) == 0 && written && !strstr(line, " dd"))
            total += size * 1024;
    }
    fclose(smaps);
    return total;
}

int main(void)
{
    pthread_t thread[THREADS];
    pthread_attr_t small;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, STACK_BYTES) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], &small, allocate_a_little, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    for (size_t n = 8; n <= 1 << 20; n *= 2)
        memset(malloc(n), 1, n);
    printf("%zu KiB to dump\n", dumped_bytes() / 1024);
    CHECK(dumped_bytes() < MOST_BYTES);
}
