// Free of a pointer one byte into a small block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(200);
    free(p + 1);
}
