// delete of an object that free has freed.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main()
{
    long *p = new long;
    misused(p);
    free(p);
    delete p;
}
