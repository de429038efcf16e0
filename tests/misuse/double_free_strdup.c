// Double free of a string from strdup, which allocates inside libc.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

#include <string.h>

int main(void)
{
    char *p = misused(strdup("twice"));
    free(p);
    free(p);
}
