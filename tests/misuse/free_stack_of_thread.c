// Free of a local variable of a thread, whose stack is mapped.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

static void *run(void *unused)
{
    void *here[16];
    free(misused(here + 2));
    return unused;
}

int main(void)
{
    free(malloc(40));
    in_thread(run, NULL);
}
