// Free of an address in a slab where no block can begin: the rest behind its last block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(1500); // no power of two: a 64 KiB slab leaves a rest
    free(misused((char *)((uintptr_t)p | 0xfff0)));
}
