// Free of memory the program mapped itself.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#define _DEFAULT_SOURCE
#include "misuse.h"

#include <sys/mman.h>

int main(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    free(misused(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0)));
}
