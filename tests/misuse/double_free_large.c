// Double free of a block with its own mapping.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(4 << 20);
    free(p);
    free(p);
}
