// realloc of a pointer into a block, to a size the block already has.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(1000);
    free(realloc(p + 16, 900));
}
