// Double free with another free between.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(40), *q = malloc(40), *r = malloc(40);
    free(p);
    free(q);
    free(p);
    free(r);
}
