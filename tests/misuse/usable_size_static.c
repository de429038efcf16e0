// malloc_usable_size of a global variable.
#include <malloc.h>
#include <stdlib.h>

int main(void)
{
    static char here[4096];
    return malloc_usable_size(here + 64) != 0;
}
