// Free of a pointer into the middle of an aligned block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = aligned_alloc(4096, 5000);
    free(misused(p + 4096));
}
