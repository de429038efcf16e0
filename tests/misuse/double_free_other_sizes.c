// Double free with frees of other sizes between.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(100);
    free(p);
    for (size_t n = 8; n < 100000; n += 100)
        free(malloc(n));
    free(p);
}
