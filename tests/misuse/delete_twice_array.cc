// The same array deleted twice.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main()
{
    char *p = new char[1000];
    misused(p);
    delete[] p;
    delete[] p;
}
