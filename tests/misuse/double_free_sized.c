// Double free by free_sized.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

void free_sized(void *p, size_t n); // C23; no header declares it yet

int main(void)
{
    void *p = misused(malloc(40));
    free_sized(p, 40);
    free_sized(p, 40);
}
