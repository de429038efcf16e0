// Free of a pointer 16 bytes into a large block.
// -> invalid free of P: it points into a large block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(4 << 20);
    free(misused(p + 16));
}
