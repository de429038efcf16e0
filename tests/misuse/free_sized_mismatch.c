// free_sized and free_aligned_sized with sizes and alignments that are not the block's.
// -> ignored
// -> [light] sized free of P: the block has another size; is it another type's?
#include "misuse.h"

void free_sized(void *p, size_t n); // C23; no header declares them yet
void free_aligned_sized(void *p, size_t alignment, size_t n);

int main(void)
{
    free_sized(misused(malloc(100)), 5000);
    free_sized(malloc(40000), 1);
    free_sized(malloc(4 << 20), 100);
    free_aligned_sized(aligned_alloc(256, 512), 4096, 1 << 20);
    free_aligned_sized(malloc(24), 64, 0);
}
