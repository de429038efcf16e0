// Fills a thread cache from the slabs of its heap.
#ifndef HAK_REFILL_H
#define HAK_REFILL_H

#include "hak_remote_queue.h"

// Takes up to `want` blocks of `class` from the owner's slabs into slots[0..], so that popping from
// the end yields ascending addresses.  Remote frees come home first if the class is out, or once in
// HAKMEM_DRAIN bytes; a new slab is made only when no block was found, or little came home.  Blocks
// are marked allocated and stamped; few of those that came home at once, which are fetched.
// Pool classes: blocks that were never handed out stay in the slab, for hak_refill_one.
// Returns the number taken; for tiny classes 0 means that there is no memory.
// Threads: the one that uses `owner`.
unsigned hak_refill(struct hak_remote_owner *owner, unsigned size_class, void **slots,
                    unsigned want);

// Takes one block.  `*ret_zero`: its memory is known to be zero.  NULL: no memory.
void *hak_refill_one(struct hak_remote_owner *owner, unsigned size_class, bool *ret_zero);

#include "hak_refill_impl.h" // the folder chosen by -Dp0_refill=...
_Static_assert(sizeof(HAK_REFILL_IMPL) > 1, "an implementation names itself");

#endif
