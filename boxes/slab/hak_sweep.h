// Gives back whole OS pages inside partly used slabs.  It can, because nothing of hakmem's lies in a
// free block.
//
// A sweep walks all slabs of an owner.  It is due when the free bytes in them have grown by an
// eighth of the bytes in use; when much of what a sweep gave back is soon used again, the next one
// waits for twice the growth.
#ifndef HAK_SWEEP_H
#define HAK_SWEEP_H

#include "hak_slab.h"

// Whether a sweep is due.  Threads: the owner's.
bool hak_sweep_due(struct hak_slab_owner *owner);

// Sweeps now.  Returns the bytes given back.  Threads: the owner's.
size_t hak_sweep(struct hak_slab_owner *owner);

void hak_sweep_retake(struct hak_slab *slab, unsigned first, unsigned end);

// Blocks first .. end - 1 are about to be used: their pages are no longer given back.
HAK_FAST void hak_sweep_taken(struct hak_slab *slab, unsigned first, unsigned end)
{
    if (HAK_UNLIKELY((slab->purged[0] | slab->purged[1]) != 0))
        hak_sweep_retake(slab, first, end);
}

#endif
