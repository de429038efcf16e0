// realloc of a block that another thread has freed: seen when the old place is freed.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [light] invalid realloc of P: it was freed before; run with AddressSanitizer to find who freed
//    it first
// -> [debug-3] double free of P: it is in its slab and in the thread's cache
#include "misuse.h"

static void *first(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    void *p = misused(malloc(100));
    in_thread(first, p);
    free(realloc(p, 5000));
}
