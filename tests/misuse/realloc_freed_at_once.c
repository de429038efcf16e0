// realloc of a block just freed.
// -> invalid realloc of P: it was freed before; run with AddressSanitizer to find who freed
//    it first
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(64));
    free(p);
    free(realloc(p, 5000));
}
