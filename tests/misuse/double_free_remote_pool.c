// Double free of a 40,000 byte block by another thread, twice.
// -> double free of P: freed twice on its way home; run with AddressSanitizer
#include "misuse.h"

static void *twice(void *p)
{
    free(p);
    free(p);
    return NULL;
}

int main(void)
{
    in_thread(twice, misused(malloc(40000)));
}
