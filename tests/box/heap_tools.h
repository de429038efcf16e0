// Cold heaps for tests of their life, and threads that use them.
#ifndef HEAP_TOOLS_H
#define HEAP_TOOLS_H

#include "fake_calls.h"
#include "hak_front.h"
#include "hak_option.h"
#include "small_registry.h"

#include <pthread.h>

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

#endif
