// What has to happen every second or so: giving back memory that nobody needed for a while.
//
// Slow paths do it when it is due.  A process with several threads also gets a janitor thread once
// it has some memory, because all its threads may go idle; one with a single thread never gets a
// thread that it did not ask for.
#ifndef HAK_UPKEEP_H
#define HAK_UPKEEP_H

#include "hak_heap.h"

enum { HAK_UPKEEP_EVENTS = 64 }; // slow events of a heap from one look at the clock to the next

// Upkeep if it is due.  `allocating`: a janitor may be created.  It may not where memory is freed:
// glibc frees stacks' memory under a lock that pthread_create takes.
// Threads: any, holding no lock; may allocate.
HAK_COLD void hak_upkeep(bool allocating);

// To be called by a slow path when it is done.
HAK_FAST void hak_upkeep_event(struct hak_heap *heap, bool allocating)
{
    if (!hak_heap_is_bound(heap))
        return;
    unsigned events = ++heap->slow_events;
    bool joins = events == 1 && hak_heaps_bound() > 1; // a thread that may only free from now on
    if (HAK_UNLIKELY(events % HAK_UPKEEP_EVENTS == 0 || joins))
        hak_upkeep(allocating);
}

// In a forked child, holding no lock: the janitor does not exist here.
void hak_upkeep_after_fork(void);

#endif
