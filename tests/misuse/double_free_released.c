// Double free after the block's whole slab was released.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(void)
{
    enum { MANY = 60000 }; // a quarantine has let go of the middle ones
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i++)
        free(p[i]);
    free(misused(p[MANY / 2])); // neither the slab in use now nor the one that is kept
}
