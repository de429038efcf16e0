// Free of an address no x86-64 process can have.
#include <stdlib.h>

int main(void)
{
    free((void *)0xdeadbeefdeadbeef);
}
