// Double free of a block aligned to 1 MiB.
#include <stdlib.h>

int main(void)
{
    void *p = aligned_alloc(1 << 20, 100);
    free(p);
    free(p);
}
