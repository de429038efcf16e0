// Free of memory from sbrk.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#define _DEFAULT_SOURCE
#include "misuse.h"

int main(void)
{
    free(misused(sbrk(4096)));
}
