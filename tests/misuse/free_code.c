// Free of a function.
#include <stdint.h>
#include <stdlib.h>

int main(void)
{
    free((void *)(uintptr_t)main);
}
