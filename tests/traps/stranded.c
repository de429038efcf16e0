// Blocks of a thread that has ended, freed by another: nobody allocates from that thread's heap any
// more, yet malloc_trim gives the memory back.
#include "trap.h"
#include <malloc.h>
#include <pthread.h>

enum { BLOCKS = 500000, BYTES = 64 };
static void *block[BLOCKS];

static void *produce(void *unused)
{
    for (int i = 0; i < BLOCKS; i++)
        memset(block[i] = malloc(BYTES), 1, BYTES);
    return unused;
}

int main(void)
{
    pthread_t producer;
    const size_t total = (size_t)BLOCKS * BYTES;
    memset(block, 1, sizeof block);
    const size_t rss = trap_rss_bytes();
    CHECK(!pthread_create(&producer, NULL, produce, NULL) && !pthread_join(producer, NULL));
    CHECK(trap_rss_bytes() >= rss + total);
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    malloc_trim(0);
    CHECK(trap_rss_bytes() < rss + total / 8);
}
