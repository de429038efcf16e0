// Free of a pointer into the middle of a 40,000 byte block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(40000);
    free(misused(p + 16));
}
