// 2,000 short-lived threads, several at a time, leave the number of mappings and the resident
// memory flat.
#include "trap.h"
#include <pthread.h>

enum { ROUNDS = 250, AT_ONCE = 8 };

static void *thread(void *seed)
{
    trap_churn((uintptr_t)seed, 400, 1 << 20);
    return NULL;
}

static void round_of_threads(uintptr_t round)
{
    pthread_t t[AT_ONCE];
    for (uintptr_t i = 0; i < AT_ONCE; i++)
        CHECK(pthread_create(&t[i], NULL, thread, (void *)(round * AT_ONCE + i + 1)) == 0);
    for (int i = 0; i < AT_ONCE; i++)
        pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    trap_restart_with("HAKMEM_SAMPLE", "0", argv); // sampled blocks are mappings of their own
    size_t rss = 0, maps = 0;
    for (uintptr_t round = 0; round < ROUNDS; round++) {
        round_of_threads(round);
        if (round == ROUNDS / 5)
            rss = trap_rss_bytes(), maps = trap_map_count();
    }
    CHECK(trap_rss_bytes() < rss + (24 << 20));
    CHECK(trap_map_count() < maps + 60);
}
