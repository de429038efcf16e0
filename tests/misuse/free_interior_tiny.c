// Free of a pointer into the middle of a small block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(64);
    free(p + 16);
}
