// realloc of a local variable.
#include <stdlib.h>

int main(void)
{
    void *here[16];
    free(realloc(here + 2, 100));
}
