// Double free by free_aligned_sized.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

void free_aligned_sized(void *p, size_t alignment, size_t n); // C23; no header declares it yet

int main(void)
{
    void *p = misused(aligned_alloc(256, 512));
    free_aligned_sized(p, 256, 512);
    free_aligned_sized(p, 256, 512);
}
