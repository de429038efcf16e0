// Double free after malloc_trim has emptied the thread cache; a neighbour keeps the slab.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [debug-2] double free of P: it is in its slab and in the thread's cache
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    void *p = misused(malloc(40)), *neighbour = malloc(40);
    free(p);
    malloc_trim(0);
    free(p);
    free(neighbour);
}
