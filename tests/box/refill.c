// From slabs to a thread cache.
#include "fake_calls.h"
#include "hak_classidx.h"
#include "hak_option.h"
#include "hak_refill.h"
#include "small_registry.h"

enum { TAG = 1 << HAK_ENTRY_OWNER_SHIFT, SLOTS = 2048, TINY = 9, POOL = 40 };

static struct hak_remote_owner owner = {.slabs.tag = TAG};
static struct hak_remote_owner reference = {.slabs.tag = 2 * TAG};

TestSuite(refill, .init = small_registry);

static bool is_taken(const void *block)
{
    const struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    return index < slab->blocks && (hak_slab_free_bits(slab, index / 64) >> (index % 64) & 1) == 0;
}

// Refills and checks all that holds for every refill.
static unsigned refill(unsigned size_class, void **slots, unsigned want)
{
    static void *const guard = (void *)0x5a5a5a5a;
    slots[want] = guard;
    unsigned taken = hak_refill(&owner, size_class, slots, want);
    hak_slab_owner_check(&owner.slabs);
    expect(taken <= want && slots[want] == guard, "%u of %u", taken, want);
    for (unsigned i = 0; i < taken; i++) {
        expect(is_taken(slots[i]) && hak_slab_of(slots[i])->size_class == size_class);
        expect(hak_classidx_bin(slots[i], &owner.slabs.tag) == (size_t)size_class << HAK_BIN_SHIFT);
        for (unsigned j = i + 1; j < taken && j < i + 100; j++)
            expect(slots[i] != slots[j], "block twice");
        // The next to be popped lies above, in the same slab.
        if (i > 0 && hak_slab_of(slots[i]) == hak_slab_of(slots[i - 1]))
            expect((char *)slots[i] < (char *)slots[i - 1]);
    }
    return taken;
}

static void put(void *block)
{
    struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    hak_slab_put(slab, index / 64, (uint64_t)1 << (index % 64));
    hak_slab_settle(slab);
}

static void put_remote(void *block)
{
    struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    hak_remote_put(slab, index / 64, (uint64_t)1 << (index % 64));
}

static void *one(unsigned size_class)
{
    bool zero;
    void *block = hak_refill_one(&owner, size_class, &zero);
    expect(block != NULL && is_taken(block) && hak_slab_of(block)->size_class == size_class);
    hak_slab_owner_check(&owner.slabs);
    if (zero)
        expect(is_filled(block, 0, hak_class_usable(size_class)), "not zero");
    return block;
}

// --- tiny

Test(refill, takes_what_is_wanted_with_the_lowest_on_top)
{
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        void *slots[SLOTS + 1];
        unsigned blocks = hak_class_blocks(size_class);
        unsigned first = refill(size_class, slots, 5);
        expect(first == 5 && hak_slab_index(hak_slab_of(slots[4]), slots[4]) == 0);
        unsigned next = refill(size_class, slots, 16);
        expect(next == 16 && hak_slab_index(hak_slab_of(slots[15]), slots[15]) == 5);
        unsigned left = blocks - 21 < SLOTS ? blocks - 21
                                            : SLOTS; // a slab is made for nothing only
        expect(refill(size_class, slots, SLOTS) == left && owner.slabs.slabs == size_class + 1u);
    }
}

Test(refill, skips_blocks_in_use_over_several_slabs)
{
    void *slots[SLOTS + 1];
    unsigned blocks = hak_class_blocks(TINY);
    for (unsigned i = 0; i < 3; i++)
        expect(refill(TINY, slots, blocks) == blocks);
    struct hak_slab *last = hak_slab_of(slots[0]);
    for (unsigned i = 0; i < blocks; i += 3)
        put(slots[i]);
    unsigned free_blocks = (blocks + 2) / 3;
    expect(refill(TINY, slots, free_blocks - 1) == free_blocks - 1);
    expect(last->free_blocks == 1 && owner.slabs.slabs == 3);
    expect(refill(TINY, slots, 1) == 1 && last->free_blocks == 0);
    expect(refill(TINY, slots, 1) == 1 && owner.slabs.slabs == 4, "a slab was made for it");
}

Test(refill, the_last_free_block_may_be_in_any_word)
{
    unsigned blocks = hak_class_blocks(0);
    static void *all[HAK_SLAB_MAX_BLOCKS + 1];
    expect(refill(0, all, blocks) == blocks);
    struct hak_slab *slab = hak_slab_of(all[0]);
    for (unsigned i = 0; i + 1 < blocks; i += 321) {
        put(hak_slab_block(slab, i)); // taken last, so the search begins there next time
        expect(one(0) == hak_slab_block(slab, i));
        put(hak_slab_block(slab, blocks - 1));
        void *slots[2];
        expect(refill(0, slots, 1) == 1 && slots[0] == hak_slab_block(slab, blocks - 1));
        put(hak_slab_block(slab, i));
        expect(one(0) == hak_slab_block(slab, i));
        put(hak_slab_block(slab, blocks - 1));
        expect(one(0) == hak_slab_block(slab, blocks - 1));
    }
}

// --- draining

Test(refill, remote_frees_come_home_at_each_refill_if_told_to)
{
    hak_options.drain = 1;
    void *slots[SLOTS + 1];
    unsigned blocks = hak_class_blocks(TINY);
    refill(TINY, slots, blocks);
    put_remote(slots[blocks - 1]); // the lowest
    put_remote(slots[blocks - 2]);
    void *more[9];
    expect(refill(TINY, more, 4) == 2 && owner.slabs.slabs == 1);
    expect(more[1] == slots[blocks - 1] && more[0] == slots[blocks - 2]);
    put(slots[0]);
    put_remote(slots[5]);
    expect(refill(TINY, more, 4) == 2 && !hak_remote_pending(&owner));
    put_remote(slots[7]);
    expect(one(TINY) == slots[7] && owner.slabs.slabs == 1);
}

Test(refill, drains_once_refills_have_taken_enough)
{
    hak_options.drain = 1;
    void *slots[SLOTS + 1], *more[3];
    refill(TINY, slots, hak_class_blocks(TINY));
    for (unsigned i = 0; i < 10; i++)
        put(slots[i]);
    hak_options.drain = 4 * (long)hak_class_stride(TINY);
    expect(one(TINY) != NULL); // drains, and is the first block since
    put_remote(slots[20]);
    expect(refill(TINY, more, 2) == 2 && hak_remote_pending(&owner));
    expect(one(TINY) != NULL && hak_remote_pending(&owner));
    expect(one(TINY) != NULL && !hak_remote_pending(&owner));
    put_remote(slots[21]);
    expect(refill(TINY, more, 2) == 2 && hak_remote_pending(&owner), "it counts from the start");
    expect(one(1) != NULL && !hak_remote_pending(&owner), "out of that class");
    put_remote(slots[22]);
    expect(refill(TINY, more, 2) == 2 && hak_remote_pending(&owner), "and here again");
}

Test(refill, without_drain_only_when_out)
{
    hak_options.drain = 0;
    void *slots[SLOTS + 1], *more[9];
    unsigned blocks = hak_class_blocks(TINY);
    refill(TINY, slots, blocks);
    put(slots[0]);
    put_remote(slots[5]);
    expect(refill(TINY, more, 1) == 1 && more[0] == slots[0] && hak_remote_pending(&owner));
    put(slots[0]);
    expect(one(TINY) == slots[0] && hak_remote_pending(&owner));
    expect(refill(TINY, more, 2) == 1 && more[0] == slots[5] && owner.slabs.slabs == 1);
    put_remote(slots[5]);
    expect(one(TINY) == slots[5] && owner.slabs.slabs == 1);
}

// Else an owner that lives on what others free drains at each refill.
Test(refill, a_slab_is_made_where_little_came_home)
{
    void *slots[SLOTS + 1], *more[9];
    unsigned blocks = hak_class_blocks(TINY);
    refill(TINY, slots, blocks);
    for (unsigned i = 0; i < 4; i++)
        put_remote(slots[i]);
    expect(refill(TINY, more, 8) == 4 && owner.slabs.slabs == 1, "half of it");
    for (unsigned i = 0; i < 3; i++)
        put_remote(slots[i]);
    expect(refill(TINY, more, 8) == 8 && owner.slabs.slabs == 2, "less");
    expect(hak_slab_of(more[0]) != hak_slab_of(slots[0]), "it comes first");
    expect(refill(TINY, slots, blocks) == blocks - 8 && refill(TINY, slots, 2) == 2);
    expect(refill(TINY, more, 8) == 1 && owner.slabs.slabs == 2, "nothing came home");
}

// Each is fetched from another processor's cache.
Test(refill, takes_few_at_once_of_those_that_came_home)
{
    void *slots[2 * SLOTS + 1];
    unsigned blocks = hak_class_blocks(TINY);
    expect(refill(TINY, slots, blocks) == blocks);
    for (unsigned i = 0; i < blocks; i++)
        put_remote(slots[i]);
    for (unsigned left = blocks, most = 128; left > 0; left -= most) {
        most = most < left ? most : left;
        expect(refill(TINY, slots + blocks - left, left) == most, "%u left", left);
    }
    for (unsigned i = 0; i < blocks; i++)
        put(slots[i]);
    expect(refill(TINY, slots, blocks) == blocks, "the owner freed them");
}

// A slab that always has a free block is not to be mistaken for one that others free to.
Test(refill, one_that_came_home_makes_no_refill_small)
{
    void *slots[2 * SLOTS + 1];
    unsigned blocks = hak_class_blocks(TINY);
    hak_options.drain = 1;
    refill(TINY, slots, blocks);
    put_remote(slots[5]);
    for (unsigned i = 6; i < blocks; i++)
        put(slots[i]);
    expect(refill(TINY, slots + 5, 200) == 200 && owner.slabs.slabs == 1);
    refill(TINY, slots + 205, blocks);
    for (unsigned i = 0; i < blocks; i++)
        put_remote(slots[i]);
    hak_remote_drain(&owner);
    hak_slab_trim(&owner.slabs);
    expect(owner.slabs.slabs == 0 && one(TINY) != NULL);
    expect(refill(TINY, slots, 200) == 200, "a new slab with the old descriptor");
}

Test(refill, a_large_refill_ends_before_those_that_came_home)
{
    void *slots[2 * SLOTS + 1], *more[SLOTS + 1];
    unsigned blocks = hak_class_blocks(TINY);
    refill(TINY, slots, blocks);
    refill(TINY, more, blocks);
    for (unsigned i = 0; i < blocks; i++)
        put_remote(slots[i]);
    hak_remote_drain(&owner);
    for (unsigned i = 0; i < 150; i++)
        put(more[i]); // listed first
    expect(refill(TINY, slots, 200) == 150 && refill(TINY, slots, 200) == 128);
    for (unsigned i = 0; i < 50; i++)
        put(more[i]);
    expect(refill(TINY, slots, 200) == 128, "50 and 78");
}

// --- pool

Test(refill, pool_refills_leave_fresh_blocks)
{
    for (unsigned size_class = HAK_TINY_CLASSES; size_class < HAK_CLASS_COUNT; size_class += 3) {
        void *slots[SLOTS + 1];
        hak_span_trim(); // used spans are as good as new
        expect(refill(size_class, slots, 4) == 0, "nothing but fresh blocks, or no slab at all");
        void *first = one(size_class);
        if (hak_class_blocks(size_class) < 3) {
            put(first);
            continue;
        }
        void *second = one(size_class);
        expect(hak_slab_index(hak_slab_of(first), first) == 0 && (char *)first < (char *)second);
        expect(refill(size_class, slots, 4) == 0);
        put(first);
        expect(refill(size_class, slots, 4) == 1 && slots[0] == first, "used before");
        expect(refill(size_class, slots, 4) == 0);
        put(first);
        put(second);
    }
}

Test(refill, zero_is_told_truly)
{
    struct dice dice = dice_from(7);
    static void *live[64];
    static unsigned char classes[64];
    unsigned zeros = 0;
    for (unsigned step = 0; step < 3000; step++) {
        unsigned i = dice_roll(&dice, 64);
        if (live[i] != NULL) {
            memset(live[i], 0xff, hak_class_usable(classes[i]));
            put(live[i]);
            live[i] = NULL;
            continue;
        }
        classes[i] = (unsigned char)dice_roll(&dice, 48);
        bool zero;
        live[i] = hak_refill_one(&owner, classes[i], &zero);
        expect(live[i] != NULL);
        if (zero)
            expect(is_filled(live[i], 0, hak_class_usable(classes[i])), "class %u", classes[i]);
        zeros += zero;
        if (step % 100 == 0)
            hak_slab_trim(&owner.slabs); // spans change their classes
        if (step % 300 == 0)
            hak_span_trim();
    }
    expect(zeros > 50, "only %u", zeros);
}

// --- against the obvious refill: another owner with the same history

// The lowest block of the first slab, time and again; pool classes: of those used before.
static unsigned obvious_refill(unsigned size_class, void **slots, unsigned want)
{
    bool is_tiny = size_class < HAK_TINY_CLASSES;
    unsigned taken = 0;
    bool was_out = reference.slabs.usable[size_class] == NULL;
    if (hak_options.drain || was_out)
        hak_remote_drain(&reference);
    struct hak_slab *first = reference.slabs.usable[size_class];
    unsigned came_home = 0;
    for (struct hak_slab *slab = first; slab != NULL; slab = slab->next)
        came_home += slab->free_blocks;
    if (was_out && is_tiny && first != NULL && came_home < want / 2)
        first = hak_slab_new(&reference.slabs, size_class);
    for (; taken < want; taken++) {
        struct hak_slab *slab = reference.slabs.usable[size_class];
        if (slab == NULL && taken == 0)
            slab = hak_slab_new(&reference.slabs, size_class);
        if (slab == NULL || (taken >= 128 && want > 128 && slab->came_home > 0))
            break;
        unsigned i = 0, end = is_tiny ? slab->blocks : slab->fresh_index;
        while (i < end && (hak_slab_free_bits(slab, i / 64) >> (i % 64) & 1) == 0)
            i++;
        if (i == end)
            break;
        hak_slab_take(slab, i / 64, (uint64_t)1 << (i % 64));
        slots[taken] = hak_slab_block(slab, i);
    }
    for (unsigned i = 0; i < taken / 2; i++) { // the first one on top
        void *swapped = slots[i];
        slots[i] = slots[taken - 1 - i];
        slots[taken - 1 - i] = swapped;
    }
    return taken;
}

static void *obvious_one(unsigned size_class)
{
    if (hak_options.drain || reference.slabs.usable[size_class] == NULL)
        hak_remote_drain(&reference);
    struct hak_slab *slab = reference.slabs.usable[size_class];
    slab = slab != NULL ? slab : hak_slab_new(&reference.slabs, size_class);
    unsigned i = 0;
    while ((hak_slab_free_bits(slab, i / 64) >> (i % 64) & 1) == 0)
        i++;
    hak_slab_take(slab, i / 64, (uint64_t)1 << (i % 64));
    return hak_slab_block(slab, i);
}

enum { MAX_PAIRS = 6000 };
static struct pair {
    void *own, *other;
} pairs[MAX_PAIRS];
static unsigned pair_count;

// The first block of each slab is never freed: no slab is released, so each new one of either owner
// gets a fresh span.

static void add_pairs(void **own, void **other, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned mine = hak_slab_index(hak_slab_of(own[i]), own[i]);
        unsigned theirs = hak_slab_index(hak_slab_of(other[i]), other[i]);
        expect(mine == theirs, "block %u, not %u", mine, theirs);
        expect(pair_count < MAX_PAIRS);
        if (mine != 0)
            pairs[pair_count++] = (struct pair){own[i], other[i]};
    }
}

static void free_pair(struct dice *dice)
{
    unsigned i = dice_roll(dice, pair_count);
    struct pair pair = pairs[i];
    pairs[i] = pairs[--pair_count];
    if (dice_roll(dice, 2) == 0) {
        put_remote(pair.own);
        put_remote(pair.other);
    } else {
        struct hak_slab *own = hak_slab_of(pair.own), *other = hak_slab_of(pair.other);
        unsigned index = hak_slab_index(own, pair.own);
        hak_slab_put(own, index / 64, (uint64_t)1 << (index % 64));
        hak_slab_put(other, index / 64, (uint64_t)1 << (index % 64));
    }
}

static void random_history(unsigned size_class)
{
    struct dice dice = dice_from(size_class + 100);
    void *own[SLOTS + 1], *other[SLOTS];
    bool is_tiny = size_class < HAK_TINY_CLASSES;
    for (unsigned step = 0; step < 300; step++) {
        if (pair_count < (is_tiny ? MAX_PAIRS - 300 : 60)) {
            unsigned want = 1 + dice_roll(&dice, is_tiny ? 256 : 8);
            unsigned taken = refill(size_class, own, want);
            unsigned wanted = obvious_refill(size_class, other, want);
            expect(taken == wanted, "step %u: %u, not %u", step, taken, wanted);
            add_pairs(own, other, taken);
            if (!is_tiny || dice_roll(&dice, 8) == 0) {
                own[0] = one(size_class);
                other[0] = obvious_one(size_class);
                add_pairs(own, other, 1);
            }
        }
        unsigned frees = dice_roll(&dice, is_tiny ? 400 : 6);
        frees = step % 100 > 80 ? pair_count : frees;
        while (frees-- > 0 && pair_count > 0)
            free_pair(&dice);
        expect(owner.slabs.slabs == reference.slabs.slabs);
    }
}

static void random_history_in_child(void *size_class)
{
    random_history((unsigned)(uintptr_t)size_class);
}

Test(refill, agrees_with_the_obvious)
{
    const unsigned classes[] = {0, 1, 9, 17, 24, 25, 33, 40, 46};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        hak_options.p0 = 1;
        hak_options.drain = 1;
        succeed_in_child(random_history_in_child, (void *)(uintptr_t)classes[i]);
        hak_options.p0 = 0;
        succeed_in_child(random_history_in_child, (void *)(uintptr_t)classes[i]);
        hak_options.drain = 0;
        succeed_in_child(random_history_in_child, (void *)(uintptr_t)classes[i]);
        hak_options.p0 = 1;
        succeed_in_child(random_history_in_child, (void *)(uintptr_t)classes[i]);
    }
}

// --- no memory

static void refill_until_out(bool may_fail)
{
    void *slots[SLOTS + 1];
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class += 4) {
        unsigned taken = refill(size_class, slots, 32);
        bool zero;
        if (taken == 0) {
            slots[0] = hak_refill_one(&owner, size_class, &zero);
            hak_slab_owner_check(&owner.slabs);
            expect(slots[0] != NULL || may_fail, "class %u", size_class);
            taken = slots[0] != NULL;
        }
        for (unsigned i = 0; i < taken; i++)
            put(slots[i]);
    }
    hak_slab_trim(&owner.slabs);
    hak_span_trim();
    expect(owner.slabs.slabs == 0 && (hak_span_totals().chunks == 0 || may_fail));
}

Test(refill, each_call_may_fail)
{
    expect(fail_each_call(refill_until_out) >= 5);
}

Test(refill, without_memory_it_says_so)
{
    void *slots[33];
    bool zero;
    hak_fake_os_fail(0, UINT_MAX);
    expect(refill(TINY, slots, 32) == 0 && refill(POOL, slots, 32) == 0);
    expect(hak_refill_one(&owner, TINY, &zero) == NULL);
    expect(hak_refill_one(&owner, POOL, &zero) == NULL && owner.slabs.slabs == 0);
    hak_fake_os_fail(0, 0);
    expect(refill(TINY, slots, 32) == 32);
}
