// realloc of a freed large block.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(4 << 20);
    free(p);
    free(realloc(p, 8 << 20));
}
