// Steps that every implementation shares.
#ifndef HAK_REFILL_COMMON_H
#define HAK_REFILL_COMMON_H

#include "hak_classidx.h"
#include "hak_refill.h"

// Where the next blocks of the class come from.  NULL: nowhere.
struct hak_slab *hak_refill_source(struct hak_remote_owner *owner, unsigned size_class,
                                   bool may_make);

// Before a refill of `want` blocks: brings remote frees home if the class has no free block, or
// refills have asked for HAKMEM_DRAIN bytes since this last did.  (Each drain takes cache lines
// from the threads that free; where as much comes back as is taken, that much waits.)
// Whether all that the class has came home just now.
bool hak_refill_drain(struct hak_remote_owner *owner, unsigned size_class, unsigned want);

// Whether a refill that has `taken` blocks so far, and no slab to go on with, makes one: if it has
// none, or if all it has `came_home` just now and fills less than half of it.  (It would drain at
// each refill, slabs that others are freeing to at that moment.)  Pool classes: never.
HAK_FAST bool hak_refill_may_make(unsigned size_class, unsigned taken, unsigned want,
                                  bool came_home)
{
    return size_class < HAK_TINY_CLASSES && (taken == 0 || (came_home && taken < want / 2));
}

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

// The block of bit `bit` in word `word`, stamped.
HAK_FAST void *hak_refill_block(const struct hak_slab *slab, unsigned word, unsigned bit)
{
    void *block = hak_slab_block(slab, word * 64 + bit);
    hak_classidx_stamp(block, slab->size_class);
    return block;
}

// The blocks in slots[want - taken .. want) move to the front.
void hak_refill_close_gap(void **slots, unsigned taken, unsigned want);

#endif
