// delete of an array whose elements have destructors: it begins behind the number of elements.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

struct object {
    ~object()
    {
        member = 0;
    }
    volatile long member = 1;
};

int main()
{
    object *p = new object[10];
    misused(p);
    delete p;
}
