// The process-wide locks, ordered by rank.  They are held for a few hundred instructions, across a
// kernel call only to map memory for the very structure they guard, and a thread takes them in
// ascending rank only.
#ifndef HAK_LOCK_H
#define HAK_LOCK_H

#include "hak_base.h"

enum hak_lock {
    HAK_LOCK_HEAPS,    // list of heaps and which are idle
    HAK_LOCK_REMOTE,   // remote_queue=locked only
    HAK_LOCK_BIGCACHE, // cached large mappings
    HAK_LOCK_SPANS,    // chunks and their free granules
    HAK_LOCK_META,     // free lists of metadata objects
    HAK_LOCK_COUNT
};

void hak_lock_take(enum hak_lock rank);
void hak_lock_drop(enum hak_lock rank);

// fork: all locks at once, so that the child's copy of what they guard is consistent.
void hak_lock_take_all(void);
void hak_lock_drop_all(void);

#endif
