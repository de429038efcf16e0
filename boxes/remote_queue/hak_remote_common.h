// Steps that every implementation shares.
#ifndef HAK_REMOTE_COMMON_H
#define HAK_REMOTE_COMMON_H

#include "hak_remote_queue.h"

HAK_FAST struct hak_remote_owner *hak_remote_owner_of(const struct hak_slab *slab)
{
    return (struct hak_remote_owner *)slab->owner; // `slabs` is its first member
}

// `waiting`: the remote word's bits before `bits` were added.
HAK_FAST void hak_remote_check_put(const struct hak_slab *slab, unsigned word, uint64_t bits,
                                   uint64_t waiting)
{
    if (HAK_UNLIKELY((waiting & bits) != 0))
        hak_panic("double free of", hak_slab_block(slab, word * 64 + hak_ctz64(waiting & bits)),
                  "freed twice on its way home; run with AddressSanitizer");
}

// The owner's part of a drain: takes home `bits` of the word.  Returns how many those are.
HAK_FAST unsigned hak_remote_take_home(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    unsigned count = hak_popcount64(bits);
    hak_slab_put(slab, word, bits);
    slab->came_home += (uint16_t)count;
    return count;
}

#endif
