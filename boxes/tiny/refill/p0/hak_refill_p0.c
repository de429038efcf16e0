// Batch refill: whole bitmap words at a time, in one pass over as few slabs as it takes.
#include "hak_option.h"
#include "hak_refill_common.h"

// Takes all 64 blocks of a word and writes them below `end`.  Returns the new end.
static void **take_whole_word(struct hak_slab *slab, unsigned word, void **end)
{
    char *block = hak_slab_block(slab, word * 64);
    size_t stride = slab->stride; // in a register: for all the compiler knows, `end` points to it
    unsigned size_class = slab->size_class;
    bool fetch = slab->came_home > 0;
    for (unsigned i = 1; i <= 64; i++, block += stride) {
        hak_refill_hand_out(block, size_class, fetch);
        end[-(int)i] = block;
    }
    hak_slab_take(slab, word, UINT64_MAX);
    return end - 64;
}

// Takes up to `want` blocks of one word and writes them below `end`.  Returns the new end.
static void **take_word(struct hak_slab *slab, unsigned word, void **end, unsigned want)
{
    uint64_t candidates = hak_refill_candidates(slab, word);
    if (candidates == UINT64_MAX && want >= 64)
        return take_whole_word(slab, word, end);
    uint64_t left = candidates;
    for (; left != 0 && want > 0; want--) {
        *--end = hak_refill_block(slab, word, hak_ctz64(left));
        left &= left - 1;
    }
    if (left != candidates)
        hak_slab_take(slab, word, candidates & ~left); // counts and bits change together
    return end;
}

static void **take_slab(struct hak_slab *slab, void **end, unsigned want)
{
    void **stop = end - want;
    unsigned words = slab->words;
    for (unsigned word = slab->first_word; word < words && end > stop; word++)
        end = take_word(slab, word, end, (unsigned)(end - stop));
    if (HAK_DEBUG)
        hak_slab_check(slab);
    return end;
}

unsigned hak_refill_take(struct hak_remote_owner *owner, unsigned size_class, void **slots,
                         unsigned want)
{
    void **end = slots + want;
    while (end > slots) {
        unsigned taken = (unsigned)(slots + want - end), room;
        struct hak_slab *slab = hak_refill_source(owner, size_class, taken, want, &room);
        void **before = end;
        if (slab != NULL)
            end = take_slab(slab, end, hak_options.p0 ? room : 1);
        if (end == before)
            break;
    }
    return (unsigned)(slots + want - end);
}
