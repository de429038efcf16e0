// Free of a pointer into the middle of a large block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(4 << 20);
    free(p + (1 << 20));
}
