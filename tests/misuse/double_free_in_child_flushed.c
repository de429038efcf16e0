// Double free across fork: the block went back to its slab in the parent.
// -> double free of P: the block was free already; run with AddressSanitizer to find who freed it
//    first
// -> [debug-2] double free of P: it is in its slab and in the thread's cache
#include "misuse.h"

#include <malloc.h>
#include <sys/wait.h>

int main(void)
{
    void *p = misused(malloc(40)), *neighbour = malloc(40);
    free(p);
    malloc_trim(0);
    if (fork() == 0) {
        free(p);
        return 0;
    }
    int status;
    wait(&status);
    free(neighbour);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort(); // the runner looks at this process; it says nothing
}
