// malloc_usable_size of a pointer into a large block: 0.
// -> ignored
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    char *p = malloc(4 << 20);
    return malloc_usable_size(p + 16) != 0 || malloc_usable_size(p + (1 << 20)) != 0;
}
