// Double free: another thread frees, then the owner does.
#include <pthread.h>
#include <stdlib.h>

static void *first(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(40);
    pthread_create(&thread, NULL, first, p);
    pthread_join(thread, NULL);
    free(p);
}
