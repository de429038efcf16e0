// realloc of a pointer into the middle of a block.
// -> invalid realloc of P: it points into a block, not at its start
#include "misuse.h"

int main(void)
{
    char *p = malloc(1000);
    free(realloc(misused(p + 16), 2000));
}
