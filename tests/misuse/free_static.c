// Free of a global variable.
#include <stdlib.h>

int main(void)
{
    static char here[4096];
    free(here + 64);
}
