// Free of an address no x86-64 process can have.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    free(misused((void *)0xdeadbeefdeadbeef));
}
