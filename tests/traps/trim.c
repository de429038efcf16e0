// Trap 22: malloc_trim, mallinfo2 and malloc_info act on hakmem's memory.
#include "trap.h"
#include <malloc.h>

enum { BLOCKS = 400000, BYTES = 300 };
static void *block[BLOCKS];

static size_t in_use(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

int main(void)
{
    const size_t total = (size_t)BLOCKS * BYTES, rss = trap_rss_bytes();
    const size_t before = in_use();
    for (int i = 0; i < BLOCKS; i++)
        memset(block[i] = malloc(BYTES), 1, BYTES);
    const size_t during = in_use();
    CHECK(during >= before + total && during < before + 2 * total);
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    CHECK(in_use() < before + total / 8);
    malloc_trim(0);
    CHECK(trap_rss_bytes() < rss + total / 4);
    CHECK(mallopt(M_ARENA_MAX, 1) == 1 && mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
}
