// Free of a block of a slab that was never handed out.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [full] invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(4096); // its neighbours begin at multiples of 4096 in the same slab
    free(misused((char *)((uintptr_t)p ^ 0x8000)));
}
