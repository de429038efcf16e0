// Free of a block of a slab that was never handed out.
#include <stdint.h>
#include <stdlib.h>

int main(void)
{
    char *p = malloc(4096); // its neighbours begin at multiples of 4096 in the same slab
    free((char *)((uintptr_t)p ^ 0x8000));
}
