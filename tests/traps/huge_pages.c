// Trap 20: hakmem asks for huge pages for nothing but large blocks that come and go and are used as
// a whole, and slabs of heaps that have grown; other slabs have none, also where the kernel gives
// them unasked; and memory that it gave back around sparse survivors stays given back.
#include "trap.h"
#include <inttypes.h>
#include <malloc.h>
#include <sys/prctl.h>

enum { BLOCKS = 200000, BYTES = 500, SURVIVORS = 256 }; // one in 128 KiB
static void *block[BLOCKS];

// Whether the kernel's setting for huge pages is `[setting]`.
static bool host_says(const char *setting)
{
    char line[100] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (!file)
        return false;
    CHECK(fgets(line, sizeof line, file));
    fclose(file);
    return strstr(line, setting) != NULL;
}

// Whether it makes them where it is asked.
static bool host_can(void)
{
    const bool may = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1;
    return may && (host_says("[madvise]") || host_says("[always]"));
}

// Whether `flag` of proc_pid_smaps(5) is set for the mapping with `p` in it, or any for NULL.
static bool has_flag(const char *flag, const void *p)
{
    bool found = false;
    bool here = false;
    char line[4300];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    CHECK(smaps);
    while (fgets(line, sizeof line, smaps)) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
            here = !p || (start <= (uintptr_t)p && (uintptr_t)p < end);
        found |= here && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, flag);
    }
    fclose(smaps);
    return found;
}

// Whether the mapping was advised to use huge pages.
static bool advised(const void *p)
{
    return has_flag(" hg", p);
}

// Whether it can be told not to.
static bool host_knows(void)
{
    return host_says("[");
}

// Blocks that come and go, written as a whole.
static void churn_dense(void)
{
    enum { ROUNDS = 20, LARGE = 24 << 20 };
    for (int i = 0; i < ROUNDS; i++) {
        char *p = malloc(LARGE);
        CHECK(p);
        free(memset(p, 1, LARGE));
    }
}

int main(void)
{
    const size_t before = trap_rss_bytes(), total = (size_t)BLOCKS * BYTES;
    CHECK(!advised(NULL));
    for (int i = 0; i < BLOCKS; i++)
        memset(block[i] = malloc(BYTES), 1, BYTES);
    CHECK(!advised(block[0]) && advised(NULL) == host_can());
    const bool forbidden = has_flag(" nh", block[0]) || has_flag(" nh", block[1]); // or sampled
    CHECK(forbidden == host_knows());
    trap_churn(1, 20000, 8 << 20);
    for (int i = 0; i < BLOCKS; i++)
        if (i % SURVIVORS)
            free(block[i]);
    malloc_trim(0);
    printf("%zu KiB of %zu left\n", (trap_rss_bytes() - before) / 1024, total / 1024);
    CHECK(trap_rss_bytes() < before + total / 8);
    CHECK(!advised(NULL) && trap_smaps_bytes("AnonHugePages:") == 0);
    churn_dense();
    for (int i = 0; i < BLOCKS; i += SURVIVORS * 64)
        CHECK(!advised(block[i]));
    malloc_trim(0);
    CHECK(trap_smaps_bytes("AnonHugePages:") == 0);
}
