// Double free of the place that a large block had before realloc moved its pages.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    char *p = malloc(2 << 20), *q = malloc(2 << 20);
    char *upper = p > q ? p : q, *lower = p > q ? q : p; // neighbours: the lower cannot grow
    void *moved = realloc(misused(lower), 8 << 20);
    free(lower);
    free(moved);
    free(upper);
}
