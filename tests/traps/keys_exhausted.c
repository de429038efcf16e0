// Trap 5: the program takes every pthread key before the first thread starts; threads still hand
// their heaps back.
#include "trap.h"
#include <pthread.h>

static void *thread(void *seed)
{
    trap_churn((uintptr_t)seed, 300, 300000);
    return NULL;
}

// Earlier than any constructor: nobody can have taken a key before.
static void take_all_keys(void)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0) {
    }
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = take_all_keys;

int main(int argc, char **argv)
{
    (void)argc;
    trap_restart_with("HAKMEM_SAMPLE", "0", argv); // sampled blocks are mappings of their own
    size_t rss = 0, maps = 0;
    for (uintptr_t i = 1; i <= 1000; i++) {
        pthread_t t;
        CHECK(!pthread_create(&t, NULL, thread, (void *)i) && !pthread_join(t, NULL));
        if (i == 200)
            rss = trap_rss_bytes(), maps = trap_map_count();
    }
    CHECK(trap_rss_bytes() < rss + (16 << 20));
    CHECK(trap_map_count() < maps + 50);
}
