// Double free at once.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(40);
    free(p);
    free(p);
}
