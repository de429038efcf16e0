// Double free long after the block left the thread cache; its neighbours live on.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
#include "misuse.h"

int main(void)
{
    enum { MANY = 20000 };
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i += 2)
        free(p[i]);
    free(misused(p[100]));
}
