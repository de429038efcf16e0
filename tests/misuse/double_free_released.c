// Double free after the block's whole slab was released.
#include <stdlib.h>

int main(void)
{
    enum { MANY = 20000 };
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i++)
        free(p[i]);
    free(p[100]);
}
