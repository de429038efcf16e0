// Free of a pointer into a block freed before, the last of its slab that was in use.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(1500);
    free(p);
    free(misused(p + 16));
}
