// reallocarray of a block just freed.
// -> invalid realloc of P: it was freed before; run with AddressSanitizer to find who freed
//    it first
#define _DEFAULT_SOURCE
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(64));
    free(p);
    free(reallocarray(p, 100, 50));
}
