// Free of a pointer two granules into a 400,000 byte block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(400000);
    free(misused(p + 131072));
}
