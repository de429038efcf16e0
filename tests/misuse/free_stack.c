// Free of a local variable.
#include <stdlib.h>

int main(void)
{
    void *here[16];
    free(here + 2);
}
