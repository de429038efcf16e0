// Double free: realloc to 0 bytes frees, then free does.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(40));
    void *none = realloc(p, 0);
    free(p);
    free(none);
}
