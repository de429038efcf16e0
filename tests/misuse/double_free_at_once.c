// Double free that the second free sees.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p = misused(malloc(40));
    free(p);
    free(p);
    _Exit(0); // no check at exit: free must have found it
}
