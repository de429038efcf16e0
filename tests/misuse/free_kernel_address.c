// Free of the highest address.
#include <stdint.h>
#include <stdlib.h>

int main(void)
{
    free((void *)(UINTPTR_MAX - 15));
}
