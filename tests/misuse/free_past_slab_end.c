// Free of an address in a slab where no block can begin: the rest behind its last block.
#include <stdint.h>
#include <stdlib.h>

int main(void)
{
    char *p = malloc(1500); // no power of two: a 64 KiB slab leaves a rest
    free((char *)((uintptr_t)p | 0xfff0));
}
