// malloc_usable_size of a freed large block: 0.
// -> ignored
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    void *p = malloc(4 << 20);
    free(p);
    return malloc_usable_size(p) != 0;
}
