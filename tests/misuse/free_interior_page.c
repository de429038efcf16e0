// Free of a page's first byte that lies inside a small block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    // Of a slab's 64 KiB: blocks of 48 bytes begin at multiples of 48, with headers 16 bytes later.
    uintptr_t p = (uintptr_t)malloc(40);
    free(misused((void *)((p & ~(uintptr_t)0xffff) + 8192)));
}
