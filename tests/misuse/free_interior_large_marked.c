// Free of a pointer into a large block, behind a byte that looks like a class header.
// -> invalid free of P: it points into a large block, not at its start
// -> [header] invalid free of P: it points into no block; was it freed before?
// -> [light] invalid free of P: it points into a large block, not at its start
#include "misuse.h"

#include <string.h>

int main(void)
{
    free(malloc(72)); // the class that the byte names has room
    char *p = malloc(1 << 20);
    memset(p, 0xa5, 1 << 20);
    free(misused(p + 40));
}
