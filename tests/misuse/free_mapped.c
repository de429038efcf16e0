// Free of memory the program mapped itself.
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

int main(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    free(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0));
}
