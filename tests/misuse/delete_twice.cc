// The same object deleted twice.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

struct object {
    long members[5];
};

int main()
{
    object *p = new object;
    misused(p);
    delete p;
    delete p;
}
