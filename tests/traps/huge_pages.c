// Trap 20: hakmem never asks for huge pages, and memory that it gave back around sparse survivors
// stays given back.
#include "trap.h"
#include <malloc.h>

enum { BLOCKS = 200000, BYTES = 500, SURVIVORS = 256 }; // one in 128 KiB
static void *block[BLOCKS];

// Whether the kernel makes huge pages without being asked.
static bool host_always(void)
{
    char line[100] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (!file)
        return false;
    CHECK(fgets(line, sizeof line, file));
    fclose(file);
    return strstr(line, "[always]") != NULL;
}

// Whether a mapping of this process was advised to use huge pages.
static bool advised(void)
{
    bool found = false;
    char line[4300];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    CHECK(smaps);
    while (fgets(line, sizeof line, smaps))
        found |= strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg");
    fclose(smaps);
    return found;
}

int main(void)
{
    const size_t before = trap_rss_bytes(), total = (size_t)BLOCKS * BYTES;
    for (int i = 0; i < BLOCKS; i++)
        memset(block[i] = malloc(BYTES), 1, BYTES);
    trap_churn(1, 20000, 8 << 20);
    CHECK(!advised());
    for (int i = 0; i < BLOCKS; i++)
        if (i % SURVIVORS)
            free(block[i]);
    malloc_trim(0);
    printf("%zu KiB of %zu left\n", (trap_rss_bytes() - before) / 1024, total / 1024);
    CHECK(trap_rss_bytes() < before + total / 8);
    CHECK(!advised() && (host_always() || trap_smaps_bytes("AnonHugePages:") == 0));
}
