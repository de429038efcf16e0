// Trap 26: what hakmem gives back leaves the resident size at once, as MADV_FREE would not do: no
// page waits to be freed.
#include "trap.h"
#include <malloc.h>

enum { BLOCKS = 200000, BYTES = 500, LARGE_BYTES = 40 << 20 };
static void *block[BLOCKS];

int main(void)
{
    const size_t before = trap_rss_bytes(), total = (size_t)BLOCKS * BYTES;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++)
            memset(block[i] = malloc(BYTES), 1, BYTES);
        void *large = malloc(LARGE_BYTES);
        free(memset(large, 1, LARGE_BYTES));
        for (int i = 0; i < BLOCKS; i++)
            free(block[i]);
        CHECK(trap_smaps_bytes("LazyFree:") == 0);
        malloc_trim(0);
        CHECK(trap_smaps_bytes("LazyFree:") == 0 && trap_rss_bytes() < before + total / 8);
    }
}
