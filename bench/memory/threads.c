// Many threads that each allocate a little and sleep: what does a thread cost?
//   threads [count]        prints resident KiB a thread
#include "rss.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_barrier_t ready;

static void *live(void *argument)
{
    for (size_t bytes = 16; bytes <= 1024; bytes *= 2) {
        char *block = malloc(bytes);
        block[0] = 1;
        free(block);
    }
    pthread_barrier_wait(&ready);
    pause();
    return argument;
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&ready, NULL, count + 1);
    struct rss before = rss_now();
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, live, NULL) != 0)
            return 1;
    }
    pthread_barrier_wait(&ready);
    sleep(1);
    printf("bytes_a_thread %ld\n", (rss_now().resident_kib - before.resident_kib) * 1024 / count);
    fflush(stdout);
    _exit(0);
}
