// Free of a pointer into the middle of an aligned block.
#include <stdlib.h>

int main(void)
{
    char *p = aligned_alloc(4096, 5000);
    free(p + 4096);
}
