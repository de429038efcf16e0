// Another thread frees a pointer into the middle of a block.
#include <pthread.h>
#include <stdlib.h>

static void *elsewhere(void *p)
{
    free((char *)p + 8);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(64);
    pthread_create(&thread, NULL, elsewhere, p);
    pthread_join(thread, NULL);
}
