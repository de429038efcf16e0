// Trap 5: destructors of pthread keys allocate and free in all four rounds, for keys made before
// and after the first allocation, beside a thread_local destructor; and what a thread leaves behind
// is freed by others.
#define _GNU_SOURCE
#include "trap.h"
#include <limits.h>
#include <pthread.h>

enum { KEYS = 20, THREADS = 400, EARLY_THREADS = 120 };
static pthread_key_t key[KEYS];
static _Atomic int xdestructor_runs;
static void *left_behind[THREADS];
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

struct value {
    int key_index, rounds_left;
    void *block;
};

static void set_value(int index, int rounds_left)
{
    struct value *v = malloc(sizeof *v);
    *v = (struct value){index, rounds_left, malloc(100 + index * 5000)};
    CHECK(pthread_setspecific(key[index], v) == 0);
}

static void destroy(void *value)
{
    const struct value v = *(struct value *)value;
    xdestructor_runs++;
    free(v.block);
    free(value);
    trap_churn(v.key_index + 1, 50, 100000);
    if (v.rounds_left > 0)
        set_value(v.key_index, v.rounds_left - 1);
}

static void thread_local_destructor(void *block)
{
    free(block);
    trap_churn(3, 50, 100000);
}

static void *thread(void *number)
{
    for (int i = 0; i < KEYS; i++)
        set_value(i, PTHREAD_DESTRUCTOR_ITERATIONS - 1);
    __cxa_thread_atexit_impl(thread_local_destructor, malloc(3000), &__dso_handle);
    left_behind[(uintptr_t)number] = malloc(40 + (uintptr_t)number);
    return NULL;
}

// With an argument memory is allocated before the keys are made, so that hakmem's own key, if it
// has one, comes before them, and its destructor first in each round.
int main(int arguments, char **argument)
{
    (void)argument;
    size_t rss = 0;
    const int threads = arguments > 1 ? EARLY_THREADS : THREADS;
    if (arguments > 1)
        free(malloc(100));
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_create(&key[i], destroy) == 0);
    for (int i = 0; i < threads; i++) {
        pthread_t t;
        CHECK(!pthread_create(&t, NULL, thread, (void *)(uintptr_t)i) && !pthread_join(t, NULL));
        free(left_behind[i]);
        if (i == threads / 4)
            rss = trap_rss_bytes();
    }
    CHECK(xdestructor_runs == threads * KEYS * PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK(trap_rss_bytes() < rss + (size_t)threads * 12 * 1024); // no thread leaves a heap behind
}
