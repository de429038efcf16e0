// The thread cache.
#include "front_tools.h"

TestSuite(front, .init = cold_heap);

static void give_all_back(void)
{
    hak_front_empty(heap);
    hak_heap_check(heap);
    hak_remote_drain(&heap->owner);
    hak_slab_trim(&heap->owner.slabs);
    expect(heap->owner.slabs.slabs == 0, "%zu slabs", heap->owner.slabs.slabs);
    hak_span_trim();
    expect(hak_span_totals().chunks == 0);
}

// --- one bin

enum { SLOTS = 4 };

// Pre: array[-1] and array[0] are NULL.
static void use_own_array(void **array, struct hak_bin *bin)
{
    *bin = (struct hak_bin){.top = array, .limit = array + SLOTS, .slots = SLOTS};
}

static bool pop_tiny(void **ret_block)
{
    return hak_front_pop(heap, hak_class_bin(TINY), ret_block);
}

static bool push_tiny(void *block)
{
    return hak_front_push(heap, hak_class_bin(TINY), block);
}

Test(front, a_bin_is_a_stack)
{
    void *place[SLOTS + 3] = {NULL}, **array = place + 1, *out = NULL;
    char blocks[8];
    struct hak_bin *bin = &heap->bins[TINY];
    use_own_array(array, bin);
    expect(!pop_tiny(&out) && out == NULL && cached(bin) == 0);
    for (unsigned i = 0; i < SLOTS; i++)
        expect(push_tiny(&blocks[i]) && bin->newest == &blocks[i] && cached(bin) == i + 1);
    expect(!push_tiny(&blocks[SLOTS]) && cached(bin) == SLOTS);
    void **all = hak_bin_blocks(bin);
    for (unsigned i = 0; i < SLOTS; i++)
        expect(all[i] == &blocks[i]);
    for (unsigned i = SLOTS; i-- > 0;)
        expect(pop_tiny(&out) && out == &blocks[i] && cached(bin) == i);
    expect(!pop_tiny(&out) && bin->top == array && array[0] == NULL && array[SLOTS + 1] == NULL);
}

Test(front, the_newest_block_is_not_cached_again)
{
    void *place[SLOTS + 2] = {NULL}, *out = NULL;
    char block, other;
    struct hak_bin *bin = &heap->bins[TINY];
    use_own_array(place + 1, bin);
    expect(push_tiny(&other) && push_tiny(&block) && !push_tiny(&block) && cached(bin) == 2);
    expect(pop_tiny(&out) && out == &block && push_tiny(&block));
}

// As a signal handler that does not return finds it: the last block is there, but not counted.
Test(front, a_bin_left_between_the_stores_of_a_hit)
{
    void *place[SLOTS + 2] = {NULL}, **array = place + 1, *out = NULL;
    char last, other;
    struct hak_bin *bin = &heap->bins[TINY];
    use_own_array(array, bin);
    bin->newest = &last;
    expect(cached(bin) == 0);
    expect(pop_tiny(&out) && out == &last && !pop_tiny(&out) && cached(bin) == 0);
    for (unsigned i = 0; i < 3; i++) {
        expect(push_tiny(&other) && !push_tiny(&other));
        expect(pop_tiny(&out) && out == &other && !pop_tiny(&out) && cached(bin) == 0);
    }
    expect(place[0] == NULL && place[1] == NULL);
    use_own_array(array, bin);
    bin->newest = &last;
    expect(push_tiny(&other) && array[0] == &last);
    expect(pop_tiny(&out) && out == &other && pop_tiny(&out) && out == &last);
    expect(!pop_tiny(&out));
    hak_bin_hold(bin, 0); // as a refill or flush ends
    expect(!pop_tiny(&out) && array[0] == NULL, "it is handed out once");
}

static void free_twice(void *block)
{
    free_block(block);
    free_block(block);
}

Test(front, the_newest_block_freed_again_is_told_at_once)
{
    expect_panic(free_twice, alloc(TINY), "freed twice without an allocation between");
    expect_panic(free_twice, alloc(POOL), "freed twice without an allocation between");
}

Test(front, unused_bins_take_and_give_nothing)
{
    char block;
    void *out;
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        expect(hak_heap_bin(heap, hak_class_bin(size_class)) == &heap->bins[size_class]);
        expect(!hak_front_pop(heap, hak_class_bin(size_class), &out));
        expect(!hak_front_push(heap, hak_class_bin(size_class), &block));
    }
}

// --- refill and flush

// Of an array of 2^n pointers, two of which are guards, 2^(n-1).
static unsigned half(unsigned slots)
{
    return slots <= 2 ? 1 : (slots + 2) / 2;
}

Test(front, a_miss_fills_half_of_a_tiny_bin)
{
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        char *block = alloc(size_class);
        unsigned filled = cached(bin) + 1;
        expect(filled == half(capacity(bin)), "%u of %u", filled, capacity(bin));
        hak_heap_check(heap);
        for (unsigned i = 1; i < filled; i++) {
            char *next = alloc(size_class);
            expect(next == block + hak_class_stride(size_class), "class %u: ascending", size_class);
            block = next;
        }
        expect(cached(bin) == 0);
    }
}

// Between a failed pop and the miss a signal handler may have allocated.
Test(front, refills_of_hardened_builds_are_in_random_order)
{
    unsigned next_to_the_last = 0;
    hak_options.hardening = 1;
    char *last = alloc(TINY);
    for (unsigned i = 0; i < 256; i++) {
        char *block = alloc(TINY);
        next_to_the_last += block == last + hak_class_stride(TINY) ||
                            last == block + hak_class_stride(TINY);
        last = block;
    }
    expect(HAK_HARDENED ? next_to_the_last < 128 : next_to_the_last > 192, "%u", next_to_the_last);
}

Test(front, a_miss_may_find_the_bin_filled)
{
    bool zero = true;
    struct hak_bin *bin = &heap->bins[TINY];
    alloc(TINY);
    void *newest = bin->newest;
    unsigned count = cached(bin);
    expect(hak_front_miss(heap, TINY, &zero) == newest && !zero && cached(bin) == count - 1);
    hak_heap_check(heap);
}

Test(front, fresh_pool_blocks_come_one_by_one)
{
    for (unsigned size_class = HAK_TINY_CLASSES; size_class < HAK_CLASS_COUNT; size_class++) {
        bool zero = false;
        char *block = hak_front_alloc(heap, size_class, &zero);
        expect(block != NULL && zero && cached(&heap->bins[size_class]) == 0, "class %u",
               size_class);
        memset(block, 1, hak_class_usable(size_class));
        free_block(block);
        expect(cached(&heap->bins[size_class]) == 1 && alloc(size_class) == block);
        hak_heap_check(heap);
        hak_front_empty(heap); // room for the next class
    }
}

Test(front, the_first_refill_is_as_large_as_told)
{
    for (long refill = 1; refill <= 20; refill++) {
        hak_options.refill = refill;
        (void)alloc(TINY);
        expect(cached(&heap->bins[TINY]) + 1 == refill, "%u, not %ld",
               cached(&heap->bins[TINY]) + 1, refill);
        hak_front_empty(heap);
    }
}

// What a full bin keeps: the newest, in order; the oldest half goes, or the bin grows.
Test(front, a_full_bin_flushes_its_older_half)
{
    static void *blocks[5000], *before[HAK_SLAB_MAX_BLOCKS];
    for (unsigned i = 0; i < 5000; i++)
        blocks[i] = alloc(TINY);
    struct hak_bin *bin = &heap->bins[TINY];
    unsigned flushes = 0;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned count = cached(bin), slots = capacity(bin);
        if (count > 0)
            memcpy(before, hak_bin_blocks(bin), count * sizeof before[0]);
        if (push_tiny(blocks[i]))
            continue;
        hak_front_full(heap, TINY, blocks[i]);
        hak_heap_check(heap);
        unsigned kept = cached(bin) - 1, gone = count - kept;
        expect(bin->newest == blocks[i] && gone == (capacity(bin) > slots ? 0 : half(slots)),
               "%u of %u gone", gone, count);
        expect(memcmp(hak_bin_blocks(bin), before + gone, kept * sizeof before[0]) == 0);
        for (unsigned j = 0; j < gone; j++)
            expect(is_in_slab(before[j]));
        flushes += gone > 0;
    }
    expect(flushes >= 3);
    give_all_back();
}

// Cuts `blocks` into runs, turns some of them round, and exchanges them: what flushes have to tell
// apart.
static void cut_and_turn(struct dice *dice, void **blocks, unsigned count, unsigned longest)
{
    for (unsigned start = 0; start < count;) {
        unsigned length = 1 + (unsigned)dice_roll(dice, longest);
        length = length < count - start ? length : count - start;
        unsigned other = (unsigned)dice_roll(dice, count - length + 1);
        bool apart = other + length <= start || start + length <= other;
        bool turn = dice_roll(dice, 2) == 0;
        for (unsigned i = 0; i < length && apart; i++) {
            void **here = blocks + start + i;
            void **there = blocks + other + (turn ? length - 1 - i : i);
            void *block = *here;
            *here = *there;
            *there = block;
        }
        start += length;
    }
}

Test(front, flushes_find_every_run)
{
    enum { COUNT = 4000 };
    static void *blocks[COUNT];
    const unsigned longest[] = {1, 2, 9, 10, 64, 200, COUNT};
    struct dice dice = {1};
    for (unsigned round = 0; round < 70; round++) {
        unsigned size_class = round % 4;
        for (unsigned i = 0; i < COUNT; i++)
            blocks[i] = alloc(size_class);
        for (unsigned i = 0; i < round % 5; i++)
            cut_and_turn(&dice, blocks, COUNT, longest[round % 7]);
        for (unsigned i = 0; i < COUNT; i++)
            free_block(blocks[i]);
        hak_front_empty(heap);
        for (unsigned i = 0; i < COUNT; i++)
            expect(is_in_slab(blocks[i]), "block %u of round %u", i, round);
        hak_slab_owner_check(&heap->owner.slabs);
    }
}

// --- as a whole

Test(front, warming)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        unsigned count = size_class < HAK_TINY_CLASSES ? 16 : 2;
        hak_front_warm(heap, size_class, count);
        hak_heap_check(heap);
        expect(cached(bin) == count, "class %u: %u", size_class, cached(bin));
        hak_front_warm(heap, size_class, count - 1);
        expect(cached(bin) == count, "warm enough");
    }
    give_all_back();
}

Test(front, tidying_gives_back_what_is_not_in_use)
{
    static void *blocks[2000];
    for (unsigned i = 0; i < 2000; i++) {
        blocks[i] = alloc(20);
        memset(blocks[i], 1, hak_class_usable(20));
    }
    for (unsigned i = 1; i < 2000; i++)
        free_block(blocks[i]);
    unsigned in_bin = cached(&heap->bins[20]);
    expect(hak_front_tidy(heap) > 0);
    hak_heap_check(heap);
    expect(cached(&heap->bins[20]) == in_bin && is_filled(blocks[0], 1, hak_class_usable(20)));
    for (struct hak_slab *slab = heap->owner.slabs.usable[20]; slab != NULL; slab = slab->next)
        expect(slab->free_blocks < slab->blocks, "an empty slab stays");
    expect(hak_front_tidy(heap) == 0);
    free_block(blocks[0]);
    give_all_back();
}

// --- a random history

enum { LIVE = 3000 };
static struct {
    unsigned char *block;
    unsigned size_class;
    unsigned char mark;
} live[LIVE];

static void random_step(struct dice *dice, unsigned step)
{
    unsigned i = dice_roll(dice, LIVE);
    if (live[i].block == NULL) {
        if (step % 4096 > 3000) // in between it shrinks
            return;
        live[i].size_class = dice_roll(dice, dice_roll(dice, 50) == 0 ? 48 : HAK_TINY_CLASSES);
        live[i].mark = (unsigned char)(step % 255 + 1);
        live[i].block = alloc(live[i].size_class);
        memset(live[i].block, live[i].mark, hak_class_usable(live[i].size_class));
        return;
    }
    size_t usable = hak_class_usable(live[i].size_class);
    expect(is_filled(live[i].block, live[i].mark, usable), "class %u: somebody wrote into it",
           live[i].size_class);
    free_block(live[i].block);
    live[i].block = NULL;
}

Test(front, random_history)
{
    struct dice dice = dice_from(8);
    note_start_slots();
    for (unsigned step = 0; step < 30000; step++) {
        random_step(&dice, step);
        if (step < 500 || step % 100 == 0) {
            hak_heap_check(heap);
            (void)extra_bytes();
        }
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i].block != NULL)
            free_block(live[i].block);
    }
    give_all_back();
}
