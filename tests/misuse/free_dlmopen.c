// Free of a block from another malloc: a second libc in its own namespace.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

int main(void)
{
    void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    void *(*other_malloc)(size_t);
    *(void **)&other_malloc = dlsym(libc, "malloc");
    free(other_malloc(100));
}
