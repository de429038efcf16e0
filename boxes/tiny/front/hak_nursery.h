// The nursery: an owner of slabs that all threads share, for the first few blocks of each tiny class
// that a thread asks for.  A process with many threads, most of which allocate next to nothing, then
// does not pay a page for each class and thread.
//
// Its blocks are another owner's to whoever holds them.
#ifndef HAK_NURSERY_H
#define HAK_NURSERY_H

#include "hak_heap.h"

// The nursery's tag; 0 until it is first used.  Relaxed: whoever has a block of its got that from
// somebody who had read the tag.
extern HAK_HIDDEN _Atomic uint32_t hak_nursery_xtag;

// Whether an entry, one of a slab, names the nursery as owner.  Threads: any.
HAK_FAST bool hak_nursery_owns(uint32_t entry)
{
    uint32_t tag = atomic_load_explicit(&hak_nursery_xtag, memory_order_relaxed);
    return (entry ^ tag) < HAK_BIN_END;
}

// Takes a few blocks of the class as hak_refill does, at most `want`.  Returns the number taken; 0
// for pool classes, while few threads have heaps, when another thread is in the nursery, and without
// memory.  Threads: any.
unsigned hak_nursery_take(unsigned size_class, void **slots, unsigned want);

// Puts a freed block back into the bin that it came from, if it is the nursery's and the thread needs
// little: it has no free blocks of its own in that class, and has not done this often.  False: the
// block has to go home, as a remote free.  Pre: `heap` is the calling thread's.
bool hak_nursery_keep(struct hak_heap *heap, unsigned size_class, void *block);

// Brings blocks home, unless another thread is in the nursery.  Threads: any.
void hak_nursery_drain(void);

// Brings blocks home and gives back what that frees, unless another thread is in the nursery.
// Returns the bytes that slabs gave back to the kernel.  Threads: any.
size_t hak_nursery_tidy(void);

#endif
