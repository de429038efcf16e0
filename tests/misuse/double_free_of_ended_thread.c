// Double free of a block whose owner has ended, by a thread that frees it twice.
// -> double free of P: freed twice on its way home; run with AddressSanitizer
// -> [header] double free of P: freed twice without an allocation between; run with AddressSanitizer
#include "misuse.h"

static void *make(void *ret_block)
{
    *(void **)ret_block = malloc(40);
    return NULL;
}

int main(void)
{
    void *p, *own = malloc(40); // this thread has a heap of its own
    in_thread(make, &p);
    free(misused(p));
    free(p);
    free(own);
}
