// The process-wide locks, ordered by rank, which a thread takes in ascending rank only.  They are
// held for a few hundred instructions, across a kernel call only to map memory for the very
// structure they guard; the nursery's also longer, because only fork waits for that one.
#ifndef HAK_LOCK_H
#define HAK_LOCK_H

#include "hak_base.h"

enum hak_lock {
    HAK_LOCK_NURSERY,  // slabs that all threads share
    HAK_LOCK_HEAPS,    // list of heaps and which are idle
    HAK_LOCK_REMOTE,   // remote_queue=locked only
    HAK_LOCK_BIGCACHE, // cached large mappings
    HAK_LOCK_SPANS,    // chunks and their free granules
    HAK_LOCK_META,     // free lists of metadata objects, tables of the page registry
    HAK_LOCK_COUNT
};

// How many locks the calling thread holds and heaps it is changing.  A slow path that begins where
// it is not 0 is that of a signal handler which interrupted another: it must do without both.
extern HAK_HIDDEN _Thread_local uint32_t hak_inside;

HAK_FAST void hak_inside_begin(void)
{
    hak_inside++;
    atomic_signal_fence(memory_order_seq_cst); // before anything changes
}

HAK_FAST void hak_inside_end(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    hak_inside--;
}

// The pair for whoever knows the count to be 0: no load that waits for the last store.
HAK_FAST void hak_inside_begin_first(void)
{
    hak_inside = 1;
    atomic_signal_fence(memory_order_seq_cst);
}

HAK_FAST void hak_inside_end_last(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    hak_inside = 0;
}

void hak_lock_take(enum hak_lock rank);
bool hak_lock_try(enum hak_lock rank); // false: another thread holds it
void hak_lock_drop(enum hak_lock rank);

// fork: all locks at once, so that the child's copy of what they guard is consistent.
void hak_lock_take_all(void);
void hak_lock_drop_all(void);

#endif
