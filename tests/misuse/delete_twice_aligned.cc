// The same over-aligned object deleted twice.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

struct alignas(256) object {
    long members[5];
};

int main()
{
    object *p = new object;
    misused(p);
    delete p;
    delete p;
}
