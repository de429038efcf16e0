// The obvious refill: one block at a time, each found anew.
#include "hak_refill_common.h"

// The lowest candidate of the slab.  NULL: none.
static void *take_one(struct hak_slab *slab)
{
    unsigned words = slab->words;
    for (unsigned word = slab->first_word; word < words; word++) {
        uint64_t candidates = hak_refill_candidates(slab, word);
        if (candidates == 0)
            continue;
        unsigned bit = hak_ctz64(candidates);
        void *block = hak_refill_block(slab, word, bit);
        hak_slab_take(slab, word, (uint64_t)1 << bit);
        return block;
    }
    return NULL;
}

unsigned hak_refill_take(struct hak_remote_owner *owner, unsigned size_class, void **slots,
                         unsigned want)
{
    unsigned taken = 0;
    for (; taken < want; taken++) {
        unsigned room;
        struct hak_slab *slab = hak_refill_source(owner, size_class, taken, want, &room);
        void *block = slab != NULL ? take_one(slab) : NULL;
        if (block == NULL)
            break;
        slots[want - 1 - taken] = block;
    }
    return taken;
}
