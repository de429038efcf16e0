// free_sized of an address that is not mapped.
#include <stdlib.h>

void free_sized(void *p, size_t n); // C23; no header declares it yet

int main(void)
{
    free_sized((void *)0xdeadbeef000, 32);
}
