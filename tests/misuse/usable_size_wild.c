// malloc_usable_size of an address that is not mapped: 0.
// -> ignored
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    return malloc_usable_size((void *)0xdeadbeef000) != 0;
}
