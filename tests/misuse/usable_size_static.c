// malloc_usable_size of a global variable: 0.
// -> ignored
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    static char here[4096];
    return malloc_usable_size(here + 64) != 0;
}
