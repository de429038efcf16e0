// Trap 6: malloc_usable_size is stable and at least the request, all of it may be written,
// neighbours do not notice, and realloc carries all of it along.
#include "trap.h"
#include <malloc.h>

static bool holds(const unsigned char *p, unsigned char byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != byte)
            return false;
    return true;
}

static void check_size(size_t n)
{
    unsigned char *p[8];
    size_t usable[8];
    for (int i = 0; i < 8; i++) {
        CHECK(p[i] = i % 4 == 3 ? aligned_alloc(64, n) : malloc(n));
        usable[i] = malloc_usable_size(p[i]);
        CHECK(usable[i] >= n);
        memset(p[i], i + 1, usable[i]);
    }
    for (int i = 0; i < 8; i++) {
        CHECK(malloc_usable_size(p[i]) == usable[i]);
        CHECK(holds(p[i], (unsigned char)(i + 1), usable[i]));
        CHECK(p[i] = realloc(p[i], i % 2 ? usable[i] + 1 : 2 * usable[i] + 100));
        CHECK(holds(p[i], (unsigned char)(i + 1), usable[i]));
    }
    for (int i = 0; i < 8; i++)
        free(p[i]);
}

int main(void)
{
    for (size_t n = 0; n < 5000; n++)
        check_size(n);
    for (size_t n = 5000; n < 3 << 20; n += n / 7)
        check_size(n), check_size(n + 1);
}
