// Free of a pointer into the middle of a 40,000 byte block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(40000);
    free(p + 16);
}
