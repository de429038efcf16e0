// Double free of the place that a block had before realloc moved it.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(100));
    void *moved = realloc(p, 1000);
    free(p);
    free(moved);
}
