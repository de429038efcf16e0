// realloc of a freed block that has left the thread cache.
// -> invalid realloc of P: it was freed before; run with AddressSanitizer to find who freed
//    it first
#include "misuse.h"

int main(void)
{
    enum { MANY = 20000 };
    static void *p[MANY];
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(64);
    for (int i = 0; i < MANY; i += 2)
        free(p[i]);
    free(realloc(misused(p[100]), 5000));
}
