// realloc of a freed large block.
// -> invalid realloc of P: it is no live block of hakmem's
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(4 << 20));
    free(p);
    free(realloc(p, 8 << 20));
}
