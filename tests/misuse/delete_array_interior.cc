// delete[] of a pointer into an array.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

int main()
{
    int *p = new int[100];
    misused(p + 1);
    delete[](p + 1);
}
