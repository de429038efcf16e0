// Sampled blocks on pages of their own, between inaccessible ones.
//
//   pool   | no access | page 0     [block]| no access | page 1     [block]| no access | ...
//
// A block ends where its page ends, but for alignment, so that the first byte beyond is a fault; a
// freed block's page is inaccessible until its turn comes again, after all others.  A fault is
// reported with the callers that allocated and freed the block; then the process takes it as if
// nobody had looked.  Blocks elsewhere are not hakmem's sampling to watch.
//
// Threads: any, without locks.
#ifndef HAK_GUARDED_H
#define HAK_GUARDED_H

#include "hak_base.h"

// Reserves the pool and watches SIGSEGV, unless HAKMEM_SAMPLE is 0.  To be called once.
void hak_guarded_start(void);

// A block, if it is its turn to be sampled and it fits on a page.  NULL: take an ordinary one.
void *hak_guarded_alloc(size_t bytes);

// Whether `p` points into the pool.
bool hak_guarded_owns(const void *p);

// Errors: panics on what is no live block, and on bytes written between block and page end.
// Pre: hak_guarded_owns(p).
void hak_guarded_free(void *p);

// The size asked for.  Panics unless `p` is a live block.  Pre: hak_guarded_owns(p).
size_t hak_guarded_usable(const void *p, const char *what, const char *what_if_freed);

#endif
