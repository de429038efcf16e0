// Double free by another thread that has a heap: both copies wait in its outbox.
// -> double free of P: freed twice on its way home; run with AddressSanitizer
// -> [header] double free of P: freed twice without an allocation between; run with AddressSanitizer
#include "misuse.h"

static void *twice(void *p)
{
    free(malloc(40));
    free(p);
    free(p);
    return NULL;
}

int main(void)
{
    in_thread(twice, misused(malloc(40)));
    _Exit(0); // no check at exit: the thread's end must have found it
}
