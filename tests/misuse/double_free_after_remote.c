// Double free: another thread frees, then the owner does.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
#include "misuse.h"

static void *first(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    void *p = misused(malloc(40));
    in_thread(first, p);
    free(p);
}
