// Double free of a 40,000 byte block.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(40000));
    free(p);
    free(p);
}
