// Double free across fork: the parent frees, then its child does.
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

#include <sys/wait.h>

int main(void)
{
    void *p = misused(malloc(40));
    free(p);
    if (fork() == 0) {
        free(p);
        return 0;
    }
    int status;
    wait(&status);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort(); // the runner looks at this process; it says nothing
}
