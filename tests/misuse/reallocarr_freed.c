// reallocarr of a block just freed.
// -> invalid realloc of P: it was freed before; run with AddressSanitizer to find who freed
//    it first
#include "misuse.h"

int reallocarr(void *place, size_t count, size_t n); // NetBSD's; no header declares it

int main(void)
{
    void *p = misused(malloc(64));
    free(p);
    return reallocarr(&p, 100, 50);
}
