// realloc of a pointer into the middle of a block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(1000);
    free(realloc(p + 16, 2000));
}
