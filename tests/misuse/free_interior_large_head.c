// Free of a pointer 16 bytes into a large block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(4 << 20);
    free(p + 16);
}
