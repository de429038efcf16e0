// Free of a pointer one byte into a small block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(200);
    free(misused(p + 1));
}
