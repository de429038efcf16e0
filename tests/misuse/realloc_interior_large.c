// realloc of a pointer into the middle of a large block.
// -> invalid realloc of P: it is no live block of hakmem's
#include "misuse.h"

int main(void)
{
    char *p = malloc(4 << 20);
    free(realloc(misused(p + 4096), 8 << 20));
}
