// Double free: two other threads free the same block.
#include <pthread.h>
#include <stdlib.h>

static void *once(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(40);
    for (int i = 0; i < 2; i++) {
        pthread_create(&thread, NULL, once, p);
        pthread_join(thread, NULL);
    }
}
