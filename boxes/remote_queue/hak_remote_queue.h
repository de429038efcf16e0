// Blocks freed by threads other than their slab's owner, and their way home.
//
// Any thread puts; the thread that uses the owner drains.  A slab with blocks waiting is announced:
// it is pinned (so it is not released) and hangs in its owner's inbox exactly once.
#ifndef HAK_REMOTE_QUEUE_H
#define HAK_REMOTE_QUEUE_H

#include "hak_slab.h"

// The part of a heap that this level needs; begins with what the slabs know.
struct hak_remote_owner {
    struct hak_slab_owner slabs;
    size_t undrained_bytes; // the refill box's: taken since it last drained
    _Alignas(HAK_CACHE_LINE_BYTES) struct hak_slab *_Atomic xinbox; // others write it
};

// Frees `bits` of bitmap word `word` of another owner's slab.
// Pre: the caller owns these blocks: they are live, or in its cache.
// Errors: panics when one of them is waiting already (double free).
// Threads: any.  Cost: one atomic OR for up to 64 blocks, one push a slab and drain.
void hak_remote_put(struct hak_slab *slab, unsigned word, uint64_t bits);

// Takes every waiting block home.  Returns how many.  Threads: the one that uses `owner`.
size_t hak_remote_drain(struct hak_remote_owner *owner);

// Whether a drain would find something.  Threads: any; a hint.
HAK_FAST bool hak_remote_pending(const struct hak_remote_owner *owner)
{
    return atomic_load_explicit(&owner->xinbox, memory_order_relaxed) != NULL;
}

#include "hak_remote_queue_impl.h" // the folder chosen by -Dremote_queue=...
_Static_assert(sizeof(HAK_REMOTE_QUEUE_IMPL) > 1, "an implementation names itself");

#endif
