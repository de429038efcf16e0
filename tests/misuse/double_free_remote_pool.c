// Double free of a 40,000 byte block by another thread, twice.
#include <pthread.h>
#include <stdlib.h>

static void *twice(void *p)
{
    free(p);
    free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(40000);
    pthread_create(&thread, NULL, twice, p);
    pthread_join(thread, NULL);
}
