// Double free: two other threads free the same block.
// -> double free of P: freed twice on its way home; run with AddressSanitizer
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
