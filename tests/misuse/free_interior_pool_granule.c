// Free of a pointer two granules into a 400,000 byte block.
#include <stdlib.h>

int main(void)
{
    char *p = malloc(400000);
    free(p + 131072);
}
