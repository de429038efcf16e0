// Double free in a thread that ends while the process goes on: seen at the end of the thread.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

static void *twice(void *unused)
{
    void *p = misused(malloc(40));
    free(p);
    free(p);
    return unused;
}

int main(void)
{
    in_thread(twice, NULL);
    _Exit(0); // no check at exit: the thread's end must have found it
}
