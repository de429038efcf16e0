// Trap 21: glibc frees the memory of cached stacks under a lock that pthread_create takes, so that
// a janitor created by that free would wait for itself. Many children, so that each of the frees is
// the one at which hakmem looks after itself.
#include "trap.h"
#include <pthread.h>
#include <sys/wait.h>

enum {
    THREADS = 12,
    CHILDREN = 64,
    LARGE_BYTES = 32 << 20,
    PHASE_BYTES = 1 << 20,
    STACK_BYTES = 8 << 20
};

static pthread_t thread[THREADS];
static pthread_barrier_t all_there, may_end, all_joined;

static void *wait_for_end(void *unused)
{
    free(malloc(100));
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&may_end);
    return unused;
}

// The memory of the stacks is this thread's, which makes every free of it a slow one. It stays, so
// that the process has several threads.
static void *create(void *unused)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], &attributes, wait_for_end, NULL) == 0);
    pthread_barrier_wait(&all_joined);
    return unused;
}

static void join_all(int phase)
{
    pthread_t creator;
    pthread_barrier_init(&all_there, NULL, THREADS + 1);
    pthread_barrier_init(&may_end, NULL, THREADS + 1);
    pthread_barrier_init(&all_joined, NULL, 2);
    CHECK(pthread_create(&creator, NULL, create, NULL) == 0);
    pthread_barrier_wait(&all_there);
    for (int i = 0; i < phase; i++)
        free(malloc(PHASE_BYTES)); // two slow events, or with the large one below an odd number
    char *large = malloc(LARGE_BYTES);
    memset(large, 1, LARGE_BYTES);
    free(large); // kept: enough to call a janitor
    pthread_barrier_wait(&may_end);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL); // beyond 40 MiB of cached stacks
    pthread_barrier_wait(&all_joined);
    pthread_join(creator, NULL);
}

int main(void)
{
    alarm(60);
    for (int child = 0; child < CHILDREN; child++) {
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(5); // a hang is a failure
            join_all(child);
            _exit(0);
        }
        int status = 1;
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    }
}
