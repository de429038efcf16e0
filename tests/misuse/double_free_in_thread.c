// Double free in a thread that ends while the process goes on: seen at the end of the thread.
#include <pthread.h>
#include <stdlib.h>

static void *twice(void *unused)
{
    void *p = malloc(40);
    free(p);
    free(p);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, twice, NULL);
    pthread_join(thread, NULL);
    _Exit(0); // no check at exit: the thread's end must have found it
}
