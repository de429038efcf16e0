// Free of a pointer into the middle of a large block.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    char *p = malloc(4 << 20);
    free(misused(p + (1 << 20)));
}
