// Double free after the block's whole slab was released.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
// -> [header] invalid free of P: it points into no block; was it freed before?
#include "misuse.h"

#include <stdint.h>

int main(void)
{
    enum { MANY = 60000 }; // a quarantine has let go of the middle ones
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i++)
        free(p[i]);
    int i = MANY / 2; // neither the slab in use now nor the one that is kept
    while ((uintptr_t)p[i] % 4096 < 16)
        i++; // a header is not looked for there
    free(misused(p[i]));
}
