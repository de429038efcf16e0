// Free of a block from another malloc: a second libc in its own namespace.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#define _GNU_SOURCE
#include "misuse.h"

#include <dlfcn.h>

int main(void)
{
    void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    void *(*other_malloc)(size_t);
    *(void **)&other_malloc = dlsym(libc, "malloc");
    free(misused(other_malloc(100)));
}
