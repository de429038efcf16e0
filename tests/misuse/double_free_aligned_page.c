// Double free of a page.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(void)
{
    void *p;
    if (posix_memalign(&p, 4096, 4096) != 0)
        return 1;
    free(misused(p));
    free(p);
}
