// realloc of an address that is not mapped.
// -> invalid realloc of P: it is no live block of hakmem's
#include "misuse.h"

int main(void)
{
    free(realloc(misused((void *)0xdeadbeef000), 100));
}
