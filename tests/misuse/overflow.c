// A byte behind the block, as by a string that is one too long.
// -> ignored
// -> [full] write past the end of P: what lies behind was changed; run with HAKMEM_SAMPLE=1 or
//    AddressSanitizer
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    char *p = misused(malloc(40));
    volatile size_t end = malloc_usable_size(p); // a secret to the compiler
    p[end] = 0;
    free(p);
}
