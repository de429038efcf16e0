// Sizes beyond the machine's memory: malloc and calloc refuse what a plain mapping is refused, so
// that programs which size their buffers by asking behave as with the system's malloc.
#include "trap.h"
#include <errno.h>
#include <sys/mman.h>

static bool kernel_grants(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

static void check(void *p, size_t bytes)
{
    CHECK((p != NULL) == kernel_grants(bytes));
    CHECK(p || errno == ENOMEM);
    free(p);
    errno = 0;
}

int main(void)
{
    for (int shift = 40; shift <= 47; shift++) {
        check(malloc((size_t)1 << shift), (size_t)1 << shift);
        check(calloc((size_t)1 << (shift - 20), 1 << 20), (size_t)1 << shift);
    }
}
