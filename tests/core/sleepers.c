// What a thread costs that has used seven size classes a little and sleeps, beyond what one costs
// that allocates nothing: at most 16 KiB of resident memory.
#include "expect.h"

#include <hakmem/hakmem.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 500, ROUNDS = 20, CLASSES = 7, MOST_BYTES = 16 * 1024, STACK_BYTES = 64 * 1024 };

static pthread_barrier_t asleep, awake;

static long resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    EXPECT(statm != NULL && fscanf(statm, "%ld %ld", &pages, &resident) == 2, "statm");
    fclose(statm);
    return resident * sysconf(_SC_PAGESIZE);
}

static void *live(void *allocates)
{
    for (unsigned i = 0; allocates != NULL && i < ROUNDS * CLASSES; i++) {
        char *block = hak_alloc((size_t)16 << (i % CLASSES));
        block[0] = 1;
        hak_free(block);
    }
    pthread_barrier_wait(&asleep);
    pthread_barrier_wait(&awake);
    return NULL;
}

static long bytes_a_thread(void *allocates)
{
    static pthread_t threads[COUNT];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_barrier_init(&asleep, NULL, COUNT + 1);
    pthread_barrier_init(&awake, NULL, COUNT + 1);
    long before = resident_bytes();
    for (unsigned i = 0; i < COUNT; i++)
        EXPECT(pthread_create(&threads[i], &attributes, live, allocates) == 0, "thread %u", i);
    pthread_barrier_wait(&asleep);
    long bytes = (resident_bytes() - before) / COUNT;
    pthread_barrier_wait(&awake);
    for (unsigned i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    return bytes;
}

// In a process of its own: libc keeps the stacks of ended threads.
static long measure(void *allocates)
{
    int pipes[2];
    long bytes = 0;
    EXPECT(pipe(pipes) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        bytes = bytes_a_thread(allocates);
        _exit(write(pipes[1], &bytes, sizeof bytes) != sizeof bytes);
    }
    close(pipes[1]); // so that the end of a child that fails is seen
    EXPECT(read(pipes[0], &bytes, sizeof bytes) == sizeof bytes, "the child fails");
    waitpid(child, NULL, 0);
    return bytes;
}

int main(void)
{
    long without = measure(NULL), with = measure("allocates");
    printf("%ld bytes a thread, %ld without allocating\n", with, without);
    EXPECT(with - without <= MOST_BYTES, "%ld bytes more", with - without);
}
