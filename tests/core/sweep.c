// After most blocks are freed at random, whole pages between the live ones go back to the kernel,
// and the live ones keep their contents; blocks taken again work as ever.
#include "expect.h"
#include "hak_heap.h"
#include "hak_os_boundary.h"

#include <hakmem/hakmem.h>
#include <string.h>

enum { BLOCKS = 40000, KEEP_ONE_OF = 16 };

static unsigned char *blocks[BLOCKS];
static size_t sizes[BLOCKS];

static unsigned next_random(void)
{
    static unsigned state = 99;
    state = state * 1103515245u + 12345u;
    return state >> 8;
}

static void fill(int i)
{
    sizes[i] = 64 + next_random() % (i % 4 == 0 ? 20000 : 2000);
    blocks[i] = hak_alloc(sizes[i]);
    EXPECT(blocks[i] != NULL, "block %d", i);
    memset(blocks[i], i & 255, sizes[i]);
}

static void verify(int i)
{
    for (size_t byte = 0; byte < sizes[i]; byte++)
        EXPECT(blocks[i][byte] == (i & 255), "block %d, byte %zu", i, byte);
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%*d %ld", &pages) == 1, "statm");
    fclose(file);
    return pages * (long)(hak_os_page_bytes() / 1024);
}

int main(void)
{
    bool small_pages = hak_os_page_bytes() < HAK_GRANULE_BYTES; // else one is a whole slab
    long before = resident_kib();
    for (int i = 0; i < BLOCKS; i++)
        fill(i);
    long peak = resident_kib() - before;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            if (next_random() % KEEP_ONE_OF != 0) {
                hak_free(blocks[i]);
                blocks[i] = NULL;
            }
        }
        EXPECT(hak_os_counts().purge > 0, "nothing was purged");
        long left = resident_kib() - before;
        EXPECT(!small_pages || left < peak * 6 / 10, "%ld KiB left of %ld", left, peak);
        for (int i = 0; i < BLOCKS; i++) {
            if (blocks[i] == NULL)
                fill(i);
            else
                verify(i);
        }
        hak_heap_check(hak_heap_self);
    }
    for (int i = 0; i < BLOCKS; i++)
        verify(i);
    return 0;
}
