// Double free: the owner frees, then another thread does.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
#include "misuse.h"

static void *again(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    void *p = misused(malloc(40));
    free(p);
    in_thread(again, p);
}
