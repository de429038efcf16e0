// A write to a freed block, noticed when the block is handed out again.
// -> ignored
// -> [full] write after free to P: the free block was changed; run with HAKMEM_SAMPLE=1 or
//    AddressSanitizer
// -> [full-header] ignored
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    free(p);
    p[20] = 1;
    for (int i = 0; i < 100000; i++)
        free(malloc(40));
}
