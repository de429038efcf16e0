// Taking and putting blocks, for every state of a slab of WORDS bitmap words and all bits.
//
// That popcount is additive over disjoint sets is taken for granted, for it is hard on a SAT
// solver: a set of bits is given any size that is 0 for the empty set only.
static int count_moved(unsigned long long bits);
#define __builtin_popcountll count_moved
#include "proof.h"

#include "hak_slab.c"

static uint64_t moved; // the bits taken or put
static unsigned moved_blocks;

static int count_moved(unsigned long long bits)
{
    EXPECT(bits == moved);
    return (int)moved_blocks;
}

enum { STRIDE = 64 };

static struct hak_slab_owner owner;
static struct {
    struct hak_slab slab;
    uint64_t xbits[2 * WORDS];
} memory;

static unsigned any_size_of(uint64_t bits)
{
    unsigned size = (unsigned)ANY();
    GIVEN(size <= 64 * WORDS && (size == 0) == (bits == 0));
    return size;
}

static unsigned any_word(void)
{
    unsigned word = (unsigned)ANY();
    GIVEN(word < WORDS);
    return word;
}

// A slab in any state that its invariants allow; `ret_kept_blocks`: the free ones but for `moved`.
static struct hak_slab *any_slab(unsigned word, unsigned *ret_kept_blocks)
{
    struct hak_slab *slab = &memory.slab;
    slab->owner = &owner;
    slab->words = WORDS;
    slab->blocks = 64 * WORDS;
    slab->stride = STRIDE;
    slab->first_word = WORDS;
    uint64_t kept = 0;
    for (unsigned i = WORDS; i-- > 0;) {
        uint64_t bits = ANY();
        set_free_bits(slab, i, bits);
        kept |= i == word ? bits & ~moved : bits;
        if (bits != 0)
            slab->first_word = (uint16_t)i;
    }
    *ret_kept_blocks = any_size_of(kept);
    uint64_t taken = moved & hak_slab_free_bits(slab, word);
    GIVEN(taken == 0 || taken == moved);
    slab->free_blocks = *ret_kept_blocks + (taken != 0 ? moved_blocks : 0);
    if (slab->free_blocks > 0)
        list(slab);
    owner.free_bytes = (size_t)slab->free_blocks * STRIDE;
    return slab;
}

static void expect_invariants(const struct hak_slab *slab, unsigned free_blocks)
{
    bool any = false;
    for (unsigned word = 0; word < WORDS; word++) {
        uint64_t bits = hak_slab_free_bits(slab, word);
        EXPECT(bits == 0 || any || slab->first_word == word);
        any = any || bits != 0;
    }
    EXPECT(slab->free_blocks == free_blocks && any == (free_blocks > 0));
    EXPECT(any || slab->first_word == WORDS);
    EXPECT((owner.usable[slab->size_class] == slab) == any);
    EXPECT(owner.free_bytes == (size_t)free_blocks * STRIDE);
}

void prove_take_keeps_the_invariants(void)
{
    moved = ANY();
    moved_blocks = any_size_of(moved);
    unsigned word = any_word(), kept_blocks;
    struct hak_slab *slab = any_slab(word, &kept_blocks);
    uint64_t before = hak_slab_free_bits(slab, word);
    GIVEN(moved != 0 && (moved & before) == moved);
    hak_slab_take(slab, word, moved);
    EXPECT(hak_slab_free_bits(slab, word) == (before ^ moved));
    expect_invariants(slab, kept_blocks);
    PROVED();
}

void prove_put_keeps_the_invariants(void)
{
    moved = ANY();
    moved_blocks = any_size_of(moved);
    unsigned word = any_word(), kept_blocks;
    struct hak_slab *slab = any_slab(word, &kept_blocks);
    uint64_t before = hak_slab_free_bits(slab, word);
    GIVEN(moved != 0 && (moved & before) == 0);
    hak_slab_put(slab, word, moved);
    EXPECT(hak_slab_free_bits(slab, word) == (before | moved));
    expect_invariants(slab, kept_blocks + moved_blocks);
    PROVED();
}

void prove_putting_twice_never_returns(void)
{
    unsigned word = any_word(), kept_blocks; // `moved` is empty here
    struct hak_slab *slab = any_slab(word, &kept_blocks);
    uint64_t bits = ANY();
    GIVEN((bits & hak_slab_free_bits(slab, word)) != 0);
    panic_expected = true;
    PROVED();
    hak_slab_put(slab, word, bits);
    EXPECT(false);
}
