// Free of a thread-local variable.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

static _Thread_local char here[64];

int main(void)
{
    free(misused(here + 16));
}
