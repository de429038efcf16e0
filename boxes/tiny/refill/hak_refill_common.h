// Steps that every implementation shares.
#ifndef HAK_REFILL_COMMON_H
#define HAK_REFILL_COMMON_H

#include "hak_classidx.h"
#include "hak_refill.h"

// What implementations differ in: takes up to `want` > 0 blocks from the owner's slabs into
// slots[want - taken .. want), the lowest address last.  Returns how many.
unsigned hak_refill_take(struct hak_remote_owner *owner, unsigned size_class, void **slots,
                         unsigned want);

// Where the next blocks of a refill of `want` come from, which has taken `taken`, and how many at
// most.  NULL: it is done.
struct hak_slab *hak_refill_source(struct hak_remote_owner *owner, unsigned size_class,
                                   unsigned taken, unsigned want, unsigned *ret_room);

// Blocks of the word that a batch may take.
HAK_FAST uint64_t hak_refill_candidates(const struct hak_slab *slab, unsigned word)
{
    uint64_t free = hak_slab_free_bits(slab, word);
    if (slab->size_class < HAK_TINY_CLASSES)
        return free;
    unsigned first = word * 64;
    unsigned used = slab->fresh_index > first ? slab->fresh_index - first : 0;
    return free & hak_bits_below64(used < 64 ? used : 64);
}

// Readies a block for its user.  `fetch`: another processor has its cache line.
HAK_FAST void hak_refill_hand_out(void *block, unsigned size_class, bool fetch)
{
    hak_classidx_stamp(block, size_class);
    if (fetch)
        hak_fetch_for_write(block);
}

// The block of bit `bit` in word `word`, ready.
HAK_FAST void *hak_refill_block(const struct hak_slab *slab, unsigned word, unsigned bit)
{
    void *block = hak_slab_block(slab, word * 64 + bit);
    hak_refill_hand_out(block, slab->size_class, slab->came_home > 0);
    return block;
}

#endif
