// Free of an address inside a page that is not mapped.
#include <stdlib.h>

int main(void)
{
    free((void *)0xdeadbeef120);
}
