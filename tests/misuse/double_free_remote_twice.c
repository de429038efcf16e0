// Double free: two other threads free the same block.
// -> double free of P: freed twice by threads other than its owner; run with AddressSanitizer
#include "misuse.h"

static void *once(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    void *p = misused(malloc(40));
    in_thread(once, p);
    in_thread(once, p);
}
