// Memory for signal handlers that interrupt the allocator in the middle of a change: no lock, no
// heap, no registry.  What such a handler frees elsewhere is noted here and freed later.
//
// An area is a mapping filled from the front; it starts anew when all its blocks are free.
//
//   area   | struct area | header | block | header | block |   free rest   |
//
// Threads: all functions may be called from any thread and from any signal handler.
#ifndef HAK_EMERGENCY_H
#define HAK_EMERGENCY_H

#include "hak_base.h"

// A block of at least `bytes` at a multiple of `alignment`, a power of two; at least 16.  Its
// contents are unspecified.  NULL: no memory, or more than an area may hold.
// Cost: a kernel call when no area has room.
void *hak_emergency_alloc(size_t bytes, size_t alignment);

// Frees `p`.  False: it lies in no area.  Errors: panics when it lies there, but is no live block.
bool hak_emergency_free(void *p);

// Usable bytes; 0 when `p` is no live block.
size_t hak_emergency_usable(const void *p);

// Notes that `p` is to be freed.  Without memory for that it is lost.
void hak_emergency_defer(void *p);

// Calls `release` for everything noted so far, once in all threads together.
void hak_emergency_run_deferred(void (*release)(void *p));

#endif
