// Run with HAKMEM_LIMIT=67108864: requests beyond it fail with ENOMEM and their reason, what is
// freed can be had again, and the process stays within the limit.
#include "expect.h"
#include "hak_os_boundary.h"

#include <errno.h>
#include <hakmem/hakmem.h>
#include <string.h>

enum { LIMIT = 64 << 20, MOST = 1 << 20 };

static void *blocks[MOST];

// Allocates blocks of `bytes` until none is left.  Returns the bytes it got.
static size_t fill(size_t bytes)
{
    size_t count = 0;
    errno = 0;
    while ((blocks[count] = hak_alloc(bytes)) != NULL) {
        memset(blocks[count], 1, bytes);
        count++;
    }
    EXPECT(errno == ENOMEM && hak_last_refusal() == HAK_REFUSAL_LIMIT, "errno %d, reason %d", errno,
           (int)hak_last_refusal());
    EXPECT(hak_os_counts().peak_bytes <= LIMIT, "%zu bytes", hak_os_counts().peak_bytes);
    size_t total = count * hak_usable_size(blocks[0]);
    while (count > 0)
        hak_free(blocks[--count]);
    return total;
}

// The class that would leave room to grow is a larger one than need be, and has no memory.
static void slow_growth_needs_no_more_than_it_asks_for(void)
{
    size_t count = 0;
    char *block = hak_alloc(28 << 10);
    EXPECT(block != NULL, "28 KiB");
    block[0] = 7;
    size_t bytes = hak_usable_size(block) + 1;
    while ((blocks[count] = hak_alloc(bytes)) != NULL)
        count++;
    hak_free(blocks[--count]);
    errno = 77;
    block = hak_realloc(block, bytes);
    EXPECT(block != NULL && block[0] == 7 && errno == 77, "%zu bytes, errno %d", bytes, errno);
    hak_free(block);
    while (count > 0)
        hak_free(blocks[--count]);
}

int main(void)
{
    EXPECT(hak_last_refusal() == HAK_REFUSAL_NONE, "nothing was refused");
    const size_t sizes[] = {64, 1000, 20000, 96 << 10, 400 << 10, 1 << 20, 5 << 20, 1000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t total = fill(sizes[i]);
        printf("%7zu bytes: %zu MiB\n", sizes[i], total >> 20);
        EXPECT(total >= LIMIT / 4 * 3, "%zu bytes of %zu", total, sizes[i]);
    }
    slow_growth_needs_no_more_than_it_asks_for();
    volatile size_t absurd = SIZE_MAX; // a secret to the compiler
    EXPECT(hak_alloc(absurd) == NULL && hak_last_refusal() == HAK_REFUSAL_SIZE, "size");
    EXPECT(hak_calloc(absurd, 2) == NULL && hak_last_refusal() == HAK_REFUSAL_SIZE, "product");
    EXPECT(hak_alloc(LIMIT) == NULL && hak_last_refusal() == HAK_REFUSAL_LIMIT, "limit");
    char *block = hak_alloc(10 << 20);
    block[0] = 7;
    EXPECT(hak_realloc(block, LIMIT) == NULL && block[0] == 7, "the block stays");
    EXPECT(hak_last_refusal() == HAK_REFUSAL_LIMIT, "limit");
    hak_free(block);
    return 0;
}
