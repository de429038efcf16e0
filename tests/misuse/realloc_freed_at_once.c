// realloc of a block just freed.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(64);
    free(p);
    free(realloc(p, 5000));
}
