// Another thread frees a pointer into the middle of a block.
// -> invalid free of P: it points into a block, not at its start
#include "misuse.h"

static void *elsewhere(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    char *p = malloc(64);
    in_thread(elsewhere, misused(p + 8));
}
