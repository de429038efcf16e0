// Trap 6: the attributes in the public header are truthful: under _FORTIFY_SOURCE=3 the compiler
// checks writes against them, and writes of all that was asked for pass.
#include "trap.h"
#include <hakmem/hakmem.h>

int main(void)
{
    for (size_t n = 1; n < 3 << 20; n += n / 5 + 1) {
        char *a = hak_alloc(n), *b = hak_calloc(n, 2), *c = hak_aligned_alloc(256, n);
        CHECK(a && b && c);
        memset(a, 'a', n);
        memset(b, 'b', 2 * n);
        memset(c, 'c', n);
        CHECK(a = hak_realloc(a, hak_usable_size(a)));
        memset(a, 'd', hak_usable_size(a));
        CHECK(c = hak_realloc(c, 3 * n));
        memset(c, 'e', 3 * n);
        hak_free(a), hak_free(b), hak_free_sized(c, 3 * n);
        const size_t good = hak_good_size(n);
        CHECK(good >= n && hak_good_size(good) == good);
        CHECK(a = hak_alloc(good));
        CHECK(hak_usable_size(a) >= good);
        memset(a, 'f', good);
        hak_free(a);
    }
}
