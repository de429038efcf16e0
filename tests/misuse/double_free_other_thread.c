// Double free: the owner frees, then another thread does.
#include <pthread.h>
#include <stdlib.h>

static void *again(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(40);
    free(p);
    pthread_create(&thread, NULL, again, p);
    pthread_join(thread, NULL);
}
