// Free of a small integer.
#include <stdlib.h>

int main(void)
{
    free((void *)0x10);
}
