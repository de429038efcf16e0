// realloc of an address that is not mapped.
#include <stdlib.h>

int main(void)
{
    free(realloc((void *)0xdeadbeef000, 100));
}
