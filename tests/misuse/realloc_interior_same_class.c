// realloc of a pointer into a block, to a size the block already has.
// -> invalid realloc of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(1000);
    free(realloc(misused(p + 16), 900));
}
