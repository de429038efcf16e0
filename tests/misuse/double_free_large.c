// Double free of a block with its own mapping.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(4 << 20));
    free(p);
    free(p);
}
