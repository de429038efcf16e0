// delete as another type, and of an array as one object: sizes are ignored unless hardened.
// -> ignored
// -> [light] sized free of P: the block has another size; is it another type's?
#include "misuse.h"

#include <new>

int main()
{
    operator delete(misused(operator new(100)), (size_t)5000);
    operator delete[](operator new(40000), (size_t)1);
    operator delete(operator new[](4 << 20), (size_t)100, std::align_val_t(64));
    delete new int[10];
}
