// Double free with another free between.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(40)), *q = malloc(40), *r = malloc(40);
    free(p);
    free(q);
    free(p);
    free(r);
}
