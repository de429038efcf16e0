// Free inside a large block that is free already.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(4 << 20);
    free(p);
    free(p + (1 << 20));
}
