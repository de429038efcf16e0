// Trap 16: signals rain on threads that allocate, hand over, fork, trim, start and end threads; the
// handlers allocate and free. Their size classes are their own, see signal_steps. Argument:
// milliseconds (default 1500).
#define _GNU_SOURCE
#include "trap.h"
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { THREADS = 3, SLOTS = 200, HANDED = 64 };
static _Atomic bool xstop;
static _Atomic unsigned xhandled;
static unsigned char *_Atomic xhanded[HANDED]; // from thread to thread; first byte: 'h'

static void on_signal(int signal)
{
    const size_t bytes[] = {100, 1000, 3000, 600000, 3000000};
    const unsigned count = ++xhandled;
    const size_t n = bytes[count % 32 ? count % 3 : 3 + count / 32 % 2];
    unsigned char *p = malloc(n);
    CHECK(p && malloc_usable_size(p) >= n);
    memset(p, signal, n < 4096 ? n : 4096);
    p[n - 1] = (unsigned char)signal;
    unsigned char *const handed = atomic_exchange(&xhanded[count % HANDED], NULL);
    if (handed)
        CHECK(handed[0] == 'h');
    free(handed); // large: neither bin nor outbox
    CHECK(p[0] == signal && p[n - 1] == signal);
    free(p);
}

struct slot {
    unsigned char *p;
    size_t n;
    unsigned char value;
};

static void check(const struct slot *slot)
{
    for (size_t i = 0; i < slot->n; i += slot->n < 4096 ? 1 : slot->n / 64)
        CHECK(slot->p[i] == slot->value);
}

static void fill(struct slot *slot, uint64_t *random)
{
    const size_t bytes[] = {8, 24, 48, 200, 500, 2000, 5000, 20000, 100000, 700000};
    const uint64_t r = trap_random(random);
    slot->n = bytes[r % 64 ? r / 64 % 8 : r / 64 % 10];
    slot->value = (unsigned char)(r >> 32);
    CHECK(slot->p = malloc(slot->n));
    memset(slot->p, slot->value, slot->n);
}

static void churn(uint64_t seed, int rounds)
{
    struct slot slot[SLOTS] = {0};
    for (int i = 0; i < rounds; i++) {
        struct slot *const at = &slot[trap_random(&seed) % SLOTS];
        check(at);
        free(at->p);
        fill(at, &seed);
    }
    for (int i = 0; i < SLOTS; i++) {
        check(&slot[i]);
        free(slot[i].p);
    }
}

static void *short_thread(void *seed)
{
    churn((uintptr_t)seed, 300);
    return malloc(48); // freed by another thread
}

static void hand_over(unsigned round)
{
    unsigned char *const p = malloc(600000);
    CHECK(p);
    p[0] = 'h';
    free(atomic_exchange(&xhanded[round % HANDED], p));
}

static void fork_child(uint64_t seed)
{
    int status = 1;
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        churn(seed, 300);
        if (seed % 2)
            exit(0);
        _exit(0);
    }
    CHECK(pid > 0);
    while (waitpid(pid, &status, 0) != pid)
        continue; // interrupted
    CHECK(status == 0);
}

static void *work(void *number)
{
    for (unsigned round = (unsigned)(uintptr_t)number; !xstop; round++) {
        pthread_t other;
        void *block;
        churn(round + 1, 1000);
        hand_over(round);
        if (round % 4 == 0) {
            CHECK(!pthread_create(&other, NULL, short_thread, (void *)(uintptr_t)(round + 1)));
            CHECK(!pthread_join(other, &block));
            free(block);
        }
        if (round % 8 == 0)
            fork_child(round + 1);
        if (round % 16 == 0)
            malloc_trim(0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const int ms = argc > 1 ? atoi(argv[1]) : 1500;
    const struct itimerval often = {.it_interval = {.tv_usec = 100}, .it_value = {.tv_usec = 100}};
    const struct itimerval never = {0};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t threads[THREADS];
    struct timespec start, now;
    trap_restart_with("HAKMEM_JANITOR", "0", argv);    // no pthread_create in a handler
    trap_restart_with("HAKMEM_QUARANTINE", "0", argv); // or frees would be in any class
    // What is warmed and not used makes a handler's free empty all bins, the gap that is known.
    trap_restart_with("HAKMEM_PREWARM", "0", argv);
    sigaddset(&action.sa_mask, SIGALRM); // handlers do not interrupt each other
    sigaddset(&action.sa_mask, SIGUSR1);
    CHECK(!sigaction(SIGALRM, &action, NULL) && !sigaction(SIGUSR1, &action, NULL));
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, work, (void *)i));
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < THREADS; i++)
            pthread_kill(threads[i], SIGUSR1);
        usleep(20);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    xstop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(xhandled > 1000);
    for (int i = 0; i < HANDED; i++)
        free(xhanded[i]);
    free(malloc(1 << 20));          // frees what was deferred
    CHECK(mallinfo2().hblkhd == 0); // what handlers freed is free
}
