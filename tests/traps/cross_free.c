// Blocks of one thread freed by another: while the owner lives and allocates, after it has ended,
// and by the main thread. Contents are whole until the free, and memory does not grow from round to
// round.
#include "trap.h"
#include <pthread.h>

enum { BLOCKS = 5000, ROUNDS = 30 };
static unsigned char *block[BLOCKS];
static size_t bytes[BLOCKS];

static void *make(void *seed)
{
    uint64_t s = (uintptr_t)seed;
    for (int i = 0; i < BLOCKS; i++) {
        bytes[i] = trap_random_size(&s, 100000);
        CHECK(block[i] = malloc(bytes[i]));
        memset(block[i], i & 255, bytes[i]);
    }
    return NULL;
}

static void *release(void *seed)
{
    for (int i = 0; i < BLOCKS; i++) {
        const int k = (i * 7 + (int)(uintptr_t)seed) % BLOCKS;
        CHECK(block[k][0] == (k & 255) && block[k][bytes[k] - 1] == (k & 255));
        free(block[k]);
    }
    return NULL;
}

static void in_thread(void *(*work)(void *), uintptr_t seed)
{
    pthread_t t;
    CHECK(!pthread_create(&t, NULL, work, (void *)seed) && !pthread_join(t, NULL));
}

// The other thread frees while this one, the owner, keeps allocating.
static void release_beside_the_owner(uintptr_t seed)
{
    pthread_t t;
    CHECK(!pthread_create(&t, NULL, release, (void *)seed));
    trap_churn(seed, 20000, 100000);
    CHECK(!pthread_join(t, NULL));
}

int main(void)
{
    size_t rss = 0;
    for (uintptr_t round = 1; round <= ROUNDS; round++) {
        make((void *)round), in_thread(release, round);    // the owner outlives the other
        in_thread(make, round), release((void *)round);    // the owner is gone
        in_thread(make, round), in_thread(release, round); // both are gone
        make((void *)round), release_beside_the_owner(round);
        if (round == ROUNDS / 3)
            rss = trap_rss_bytes();
    }
    CHECK(trap_rss_bytes() < rss + (16 << 20));
}
