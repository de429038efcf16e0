// realloc of a local variable.
// -> invalid realloc of P: it is no live block of hakmem's
#include "misuse.h"

int main(void)
{
    void *here[16];
    free(realloc(misused(here + 2), 100));
}
