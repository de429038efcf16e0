// Cold heaps for tests of their life, and threads that use them.
#ifndef HEAP_TOOLS_H
#define HEAP_TOOLS_H

#include "fake_calls.h"
#include "hak_front.h"
#include "hak_option.h"
#include "small_registry.h"

#include <pthread.h>
#include <semaphore.h>

enum { TINY = 4, POOL = 30, BLOCKS = 500 };

static inline void cold(void)
{
    small_registry();
    hak_options.prewarm = 0;
}

static inline unsigned cached(const struct hak_heap *heap, unsigned size_class)
{
    return hak_bin_cached(&heap->bins[size_class]);
}

static inline void *alloc(unsigned size_class)
{
    bool zero;
    void *block = hak_front_alloc(hak_heap_get(), size_class, &zero);
    expect(block != NULL);
    hak_heap_check(hak_heap_self);
    return block;
}

static inline void run(void *(*work)(void *), void *argument)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, work, argument) == 0);
    pthread_join(thread, NULL);
}

static inline void *note_heap(void *ret_heap)
{
    alloc(TINY);
    *(struct hak_heap **)ret_heap = hak_heap_self;
    return NULL;
}

// A thread that stays until it is told to leave.
struct guest {
    pthread_t thread;
    struct hak_heap *heap;
    sem_t arrived, may_leave;
};

// The work of a guest ends with this.
static inline void *stay(struct guest *guest)
{
    guest->heap = hak_heap_self;
    sem_post(&guest->arrived);
    sem_wait(&guest->may_leave);
    return NULL;
}

static inline void *alloc_and_stay(void *guest)
{
    alloc(TINY);
    return stay(guest);
}

static inline void let_in(struct guest *guest, void *(*work)(void *))
{
    sem_init(&guest->arrived, 0, 0);
    sem_init(&guest->may_leave, 0, 0);
    expect(pthread_create(&guest->thread, NULL, work, guest) == 0);
    sem_wait(&guest->arrived);
}

static inline void let_out(struct guest *guest)
{
    sem_post(&guest->may_leave);
    pthread_join(guest->thread, NULL);
}

#endif
