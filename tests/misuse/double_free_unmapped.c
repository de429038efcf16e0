// Double free of a block whose memory was given back to the kernel.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
// -> [header] SIGSEGV
#include "misuse.h"

#include <malloc.h>

int main(void)
{
    enum { MANY = 20000 };
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i++)
        free(p[i]);
    malloc_trim(0);
    free(misused(p[MANY / 2]));
}
