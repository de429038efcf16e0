// Free of a pointer into the middle of a small block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(64);
    free(misused(p + 16));
}
