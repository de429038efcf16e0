// Free of an address that is not mapped.
#include <stdlib.h>

int main(void)
{
    free((void *)0xdeadbeef000);
}
