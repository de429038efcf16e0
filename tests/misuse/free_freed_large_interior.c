// Free inside a large block that is free already.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    char *p = malloc(4 << 20);
    free(p);
    free(misused(p + (1 << 20)));
}
