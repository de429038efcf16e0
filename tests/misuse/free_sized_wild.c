// free_sized of an address that is not mapped.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

void free_sized(void *p, size_t n); // C23; no header declares it yet

int main(void)
{
    free_sized(misused((void *)0xdeadbeef000), 32);
}
