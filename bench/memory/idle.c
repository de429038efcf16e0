// Free everything and idle: what does the process keep?
//   idle [threads: 0 or more] [MiB]     prints resident KiB at peak, at once and after 3 s idle
#include "rss.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

static size_t bytes_each;

static size_t random_bytes(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    unsigned random = *state >> 8;
    unsigned kind = random % 16;
    if (kind < 12)
        return 16 + random % 1024;
    if (kind < 15)
        return 1024 + random % 32768;
    return 32768 + random % 400000;
}

static pthread_barrier_t at_peak, may_free;

// Fills bytes_each with touched blocks; each starts with the address of the one before.
static void **fill(unsigned state)
{
    void **list = NULL;
    for (size_t total = 0; total < bytes_each;) {
        size_t bytes = random_bytes(&state);
        void **block = malloc(bytes);
        memset(block, 1, bytes);
        *block = list;
        list = block;
        total += bytes;
    }
    return list;
}

static void empty(void **list)
{
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static void *fill_and_free(void *argument)
{
    void **list = fill((unsigned)(size_t)argument + 1);
    pthread_barrier_wait(&at_peak);
    pthread_barrier_wait(&may_free);
    empty(list);
    pthread_barrier_wait(&at_peak);
    pause(); // idle, but alive
    return NULL;
}

static void single(void)
{
    void **list = fill(1);
    rss_print("peak");
    empty(list);
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    size_t total = (argc > 2 ? (size_t)atoi(argv[2]) : 950) << 20;
    setvbuf(stdout, NULL, _IOLBF, 0);
    rss_print("start");
    if (threads == 0) {
        bytes_each = total;
        single();
    } else {
        bytes_each = total / threads;
        pthread_barrier_init(&at_peak, NULL, threads + 1);
        pthread_barrier_init(&may_free, NULL, threads + 1);
        for (unsigned i = 0; i < threads && i < MAX_THREADS; i++) {
            pthread_t thread;
            pthread_create(&thread, NULL, fill_and_free, (void *)(size_t)i);
        }
        pthread_barrier_wait(&at_peak);
        rss_print("peak");
        pthread_barrier_wait(&may_free);
        pthread_barrier_wait(&at_peak);
    }
    rss_print("freed");
    sleep(3);
    rss_print("idle");
    _exit(0);
}
