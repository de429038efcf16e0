// Free of the address one past the end of a large block.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

#include <malloc.h>
#include <sys/mman.h>

int main(void)
{
    // So that no block of hakmem's begins there: the next mapping comes to lie below this one.
    mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p = malloc(4 << 20);
    free(misused(p + malloc_usable_size(p)));
}
