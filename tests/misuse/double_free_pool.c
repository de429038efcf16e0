// Double free of a 40,000 byte block.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(40000);
    free(p);
    free(p);
}
