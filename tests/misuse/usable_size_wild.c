// malloc_usable_size of an address that is not mapped: no answer can be right.
#include <malloc.h>
#include <stdlib.h>

int main(void)
{
    return malloc_usable_size((void *)0xdeadbeef000) != 0;
}
