// How much free memory that still has pages a process may keep: the dirty bound.
//
// The bound is the largest of a floor, a share of the memory in use, and what experience teaches:
// memory that is needed again soon after it was given back was given back too early.  The lesson is
// forgotten when nothing of that kind happens for a while.
//
// Threads: callers hold HAK_LOCK_SPANS.
#ifndef HAK_DIRTY_H
#define HAK_DIRTY_H

#include "hak_base.h"

// Bytes that may stay dirty while `live_bytes` are in use.
size_t hak_dirty_bound(size_t live_bytes);

// Reports that `bytes` went back to the kernel.
void hak_dirty_given_back(size_t bytes);

// Reports that `bytes` without pages were put to use.
void hak_dirty_needed(size_t bytes, size_t live_bytes);

#endif
