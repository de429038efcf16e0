// Free of a string literal.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    free(misused((void *)(uintptr_t) "never allocated"));
}
