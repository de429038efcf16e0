// Double free of a block aligned to 1 MiB.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    void *p = misused(aligned_alloc(1 << 20, 100));
    free(p);
    free(p);
}
