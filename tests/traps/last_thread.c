// Trap 21: a process ends with the last of the program's threads, also when main has left by
// pthread_exit, and in a child that was forked by another thread: the janitor is no reason to stay.
#include "trap.h"
#include <pthread.h>
#include <sys/wait.h>

enum { BLOCKS = 400, BLOCK_BYTES = 20000, BUSY_THREADS = 2 };

static pthread_barrier_t filled, counted;

static void *fill_and_empty(void *unused)
{
    static _Thread_local char *block[BLOCKS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            CHECK(block[i] = malloc(BLOCK_BYTES));
            memset(block[i], 1, BLOCK_BYTES);
        }
        if (round == 1)
            pthread_barrier_wait(&filled);
        for (int i = 0; i < BLOCKS; i++)
            free(block[i]);
    }
    pthread_barrier_wait(&counted);
    return unused;
}

// Leaves the process to its threads, of which one is the janitor.
static void *start_and_leave(void *unused)
{
    pthread_t thread;
    pthread_barrier_init(&filled, NULL, BUSY_THREADS + 1);
    pthread_barrier_init(&counted, NULL, BUSY_THREADS + 1);
    free(malloc(100));
    for (int i = 0; i < BUSY_THREADS; i++)
        CHECK(pthread_create(&thread, NULL, fill_and_empty, NULL) == 0);
    pthread_barrier_wait(&filled);
    CHECK(trap_task_count() == BUSY_THREADS + 2);
    pthread_barrier_wait(&counted);
    pthread_exit(unused);
}

static void expect_end(pid_t child)
{
    int status = 1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void *fork_and_leave(void *unused)
{
    const pid_t child = fork();
    if (child == 0) {
        alarm(10);
        start_and_leave(NULL);
    }
    expect_end(child);
    return unused;
}

int main(void)
{
    pthread_t thread;
    const pid_t child = fork();
    if (child == 0) {
        alarm(10); // a hang is a failure
        start_and_leave(NULL);
    }
    expect_end(child);
    CHECK(pthread_create(&thread, NULL, fork_and_leave, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
