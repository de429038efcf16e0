// Double free with frees of other sizes between; a neighbour keeps the slab.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [debug-3] double free of P: it is in its slab and in the thread's cache
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(100)), *neighbour = malloc(100);
    free(p);
    for (size_t n = 200; n < 100000; n += 100)
        free(malloc(n));
    free(p);
    free(neighbour);
}
