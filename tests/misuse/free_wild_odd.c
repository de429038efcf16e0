// Free of an address inside a page that is not mapped.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    free(misused((void *)0xdeadbeef120));
}
