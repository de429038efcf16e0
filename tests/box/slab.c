// Bitmap slabs.
#include "fake_calls.h"
#include "hak_slab.h"
#include "small_registry.h"

enum { GRANULE = HAK_GRANULE_BYTES, TAG = 5 << HAK_ENTRY_OWNER_SHIFT };

static struct hak_slab_owner owner = {.tag = TAG};

TestSuite(slab, .init = small_registry);

static struct hak_slab *new_slab(unsigned size_class)
{
    struct hak_slab_owner before = owner;
    struct hak_slab *slab = hak_slab_new(&owner, size_class);
    expect(slab != NULL && slab == owner.usable[size_class] && owner.slabs == before.slabs + 1);
    expect(owner.span_bytes - before.span_bytes == slab->span.granules * (size_t)GRANULE);
    expect(owner.free_bytes - before.free_bytes == (size_t)slab->blocks * slab->stride);
    expect(slab->free_blocks == slab->blocks && slab->size_class == size_class &&
           slab->owner == &owner);
    hak_slab_owner_check(&owner);
    return slab;
}

static void take(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    size_t free_bytes = owner.free_bytes;
    hak_slab_take(slab, word, bits);
    expect(free_bytes - owner.free_bytes == hak_popcount64(bits) * slab->stride);
    hak_slab_check(slab);
    hak_slab_owner_check(&owner);
}

static void put(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    size_t free_bytes = owner.free_bytes;
    void *blocks[8];
    unsigned count = hak_popcount64(bits);
    if (slab->free_blocks > 0 && count <= 8) {
        for (uint64_t left = bits; left != 0; left &= left - 1) // the last first
            blocks[hak_popcount64(left) - 1] = hak_slab_block(slab, word * 64 + hak_ctz64(left));
        expect(hak_slab_put_each(slab, blocks, count) == count);
    } else {
        hak_slab_put(slab, word, bits);
    }
    expect(owner.free_bytes - free_bytes == hak_popcount64(bits) * slab->stride);
    hak_slab_check(slab);
    hak_slab_owner_check(&owner);
}

static void take_all(struct hak_slab *slab)
{
    for (unsigned word = 0; word < slab->words; word++)
        take(slab, word, hak_slab_free_bits(slab, word));
    expect(slab->free_blocks == 0);
}

static void put_all(struct hak_slab *slab)
{
    for (unsigned word = 0; word < slab->words; word++) {
        unsigned left = slab->blocks - word * 64u;
        put(slab, word, hak_bits_below64(left < 64 ? left : 64) & ~hak_slab_free_bits(slab, word));
    }
    expect(slab->free_blocks == slab->blocks);
}

static bool is_listed(const struct hak_slab *slab)
{
    const struct hak_slab *listed = owner.usable[slab->size_class];
    while (listed != NULL && listed != slab)
        listed = listed->next;
    return listed != NULL;
}

// --- geometry

Test(slab, every_offset_of_every_class_is_a_block_or_refused)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = new_slab(size_class);
        size_t stride = hak_class_stride(size_class), room = (size_t)slab->span.granules * GRANULE;
        size_t first = hak_class_first_byte(size_class);
        expect(slab->first_block == slab->span.base + first);
        expect(slab->blocks == hak_class_blocks(size_class) &&
               slab->words == (slab->blocks + 63) / 64);
        for (size_t offset = 0; offset < room; offset++) {
            unsigned index = hak_slab_index(slab, slab->span.base + offset);
            bool is_block = offset >= first && (offset - first) % stride == 0 &&
                            (offset - first) / stride < slab->blocks;
            expect((index != HAK_SLAB_NO_INDEX) == is_block, "class %u, offset %zu", size_class,
                   offset);
            if (is_block)
                expect(index == (offset - first) / stride &&
                           hak_slab_block(slab, index) == slab->span.base + offset,
                       "class %u, offset %zu: index %u", size_class, offset, index);
        }
    }
}

Test(slab, blocks_are_aligned_and_in_the_registry)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = new_slab(size_class);
        uint32_t entry = TAG | size_class << HAK_BIN_SHIFT;
        for (unsigned i = 0; i < slab->blocks; i++) {
            char *block = hak_slab_block(slab, i);
            expect((uintptr_t)block % hak_class_alignment(size_class) == 0);
            expect(block + hak_class_usable(size_class) <=
                   slab->span.base + (size_t)slab->span.granules * GRANULE);
            expect(hak_page_registry_entry(block) == entry && hak_slab_of(block) == slab);
            const char *last = block + hak_class_usable(size_class) - 1;
            expect(hak_page_registry_entry(last) == entry && hak_slab_of(last) == slab);
        }
    }
}

Test(slab, pointers_elsewhere_are_refused)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = new_slab(size_class);
        const uintptr_t first = (uintptr_t)slab->first_block;
        const uintptr_t places[] = {0,
                                    1,
                                    first - 1,
                                    first - slab->stride,
                                    first - GRANULE,
                                    first + (uintptr_t)slab->blocks * slab->stride,
                                    first + ((uintptr_t)1 << 40),
                                    UINTPTR_MAX};
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
            expect(hak_slab_index(slab, (const void *)places[i]) == HAK_SLAB_NO_INDEX,
                   "class %u, place %zu", size_class, i);
    }
}

// --- taking and putting

Test(slab, random_takes_and_puts_agree_with_an_array)
{
    struct dice dice = dice_from(5);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT;
         size_class += size_class < 8 ? 1 : 5) {
        struct hak_slab *slab = new_slab(size_class);
        static bool is_free[HAK_SLAB_MAX_BLOCKS];
        memset(is_free, true, sizeof is_free);
        unsigned free_blocks = slab->blocks;
        for (unsigned step = 0; step < 2000; step++) {
            unsigned index = dice_roll(&dice, slab->blocks), word = index / 64;
            uint64_t bits = 0; // `index` and some like it, in one word
            bool now = is_free[index], dense = dice_roll(&dice, 4) == 0;
            for (unsigned i = word * 64; i < word * 64 + 64 && i < slab->blocks; i++) {
                if (i == index || (is_free[i] == now && (dense || dice_roll(&dice, 16) == 0))) {
                    bits |= (uint64_t)1 << (i % 64);
                    is_free[i] = !now;
                    free_blocks += now ? -1u : 1u;
                }
            }
            (now ? take : put)(slab, word, bits);
            expect(slab->free_blocks == free_blocks && is_listed(slab) == (free_blocks > 0));
            for (unsigned i = step % 8; i < slab->blocks; i += 8)
                expect((hak_slab_free_bits(slab, i / 64) >> (i % 64) & 1) == is_free[i], "%u", i);
        }
    }
}

Test(slab, full_slabs_leave_the_list_and_come_back)
{
    struct hak_slab *slabs[4];
    for (unsigned i = 0; i < 4; i++)
        slabs[i] = new_slab(20);
    take_all(slabs[1]); // from the middle, then the head, then the tail
    take_all(slabs[3]);
    take_all(slabs[0]);
    expect(owner.usable[20] == slabs[2] && slabs[2]->next == NULL);
    put(slabs[0], 0, 1);
    expect(owner.usable[20] == slabs[0] && is_listed(slabs[2]));
    take(slabs[0], 0, 1);
    expect(!is_listed(slabs[0]) && owner.slabs == 4);
}

static void put_twice(void *argument)
{
    struct hak_slab *slab = argument;
    hak_slab_put(slab, 1, 6);
    hak_slab_put(slab, 1, 12);
}

Test(slab, putting_twice_is_a_double_free)
{
    struct hak_slab *slab = new_slab(0);
    take_all(slab);
    char text[64];
    snprintf(text, sizeof text, "double free of %p:", (void *)hak_slab_block(slab, 64 + 2));
    expect_panic(put_twice, slab, text);
}

Test(slab, blocks_go_back_until_one_does_not_belong)
{
    struct hak_slab *slab = new_slab(3), *next = new_slab(3);
    take(next, 0, 1);
    take_all(slab);
    void *here[] = {hak_slab_block(slab, 200), hak_slab_block(slab, 3), hak_slab_block(slab, 70)};
    expect(hak_slab_put_each(slab, here, 3) == 0 && slab->free_blocks == 0, "it is not listed");
    put(slab, 4, 1);
    void *beyond[] = {here[0], here[1], hak_slab_block(next, 0)};
    expect(hak_slab_put_each(slab, beyond, 3) == 2 && slab->first_word == 0);
    void *again[] = {here[2], here[1]};
    expect(hak_slab_put_each(slab, again, 2) == 1 && slab->free_blocks == 4);
    void *inside[] = {(char *)hak_slab_block(slab, 5) + 8};
    expect(hak_slab_put_each(slab, inside, 1) == 0);
    hak_slab_check(slab);
}

Test(slab, fresh_blocks_are_known)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class += 7) {
        hak_span_trim();
        struct hak_slab *slab = new_slab(size_class);
        if (!slab->span.zero) // the first slab of all used this granule
            continue;
        expect(slab->fresh_index == 0);
        take(slab, 0, 1);
        expect(slab->fresh_index == 1);
        if (slab->blocks > 5) {
            take(slab, 0, 0x14);
            expect(slab->fresh_index == 5);
        }
        put(slab, 0, 1);
        take(slab, 0, 1);
        expect(slab->fresh_index == (slab->blocks > 5 ? 5 : 1));
    }
    struct hak_slab *slab = new_slab(30);
    take_all(slab);
    put_all(slab);
    hak_slab_trim(&owner); // its span has been used
    slab = new_slab(30);
    expect(slab->fresh_index == slab->blocks, "%u of %u", slab->fresh_index, slab->blocks);
}

// --- releasing

Test(slab, an_empty_slab_stays_while_it_is_the_only_one)
{
    struct hak_slab *first = new_slab(10);
    take(first, 0, 1);
    put(first, 0, 1);
    expect(!hak_slab_settle(first) && owner.slabs == 1);
    struct hak_slab *second = new_slab(10);
    take_all(second); // not listed: nothing to take from but the first
    expect(!hak_slab_settle(first));
    put(second, 0, 1);
    expect(!hak_slab_settle(second) && owner.slabs == 2, "it is in use");
    const char *block = first->first_block;
    expect(hak_slab_settle(first) && owner.slabs == 1 && owner.usable[10] == second);
    expect(hak_page_registry_entry(block) == 0, "the registry has forgotten it");
    hak_slab_owner_check(&owner);
    put_all(second);
    expect(!hak_slab_settle(second));
}

Test(slab, an_empty_slab_of_many_granules_goes_at_once)
{
    struct hak_slab *slab = new_slab(40);
    expect(slab->span.granules > 1);
    take(slab, 0, 1);
    expect(!hak_slab_settle(slab), "it is in use");
    hak_slab_put(slab, 0, 1);
    expect(hak_slab_settle(slab) && owner.slabs == 0);
}

// Making and releasing slabs of pool classes then takes the lock of all metadata less often.
Test(slab, an_owner_keeps_a_few_descriptors)
{
    enum { POOL = 40, TINY = 3, MANY = 40, KEPT = 16 };
    static struct hak_slab_owner other = {.tag = TAG + (1 << HAK_ENTRY_OWNER_SHIFT)};
    struct hak_slab *slabs[MANY];
    for (unsigned i = 0; i < MANY; i++)
        slabs[i] = new_slab(POOL);
    for (unsigned i = 0; i < MANY; i++)
        expect(hak_slab_settle(slabs[i]) && owner.spares == (i < KEPT ? i + 1 : KEPT));
    hak_slab_owner_check(&owner);
    expect(!hak_slab_pin(slabs[0]), "a released slab refuses");
    expect(hak_slab_new(&other, POOL) == slabs[MANY - 1] && owner.spares == KEPT);
    new_slab(TINY);
    expect(owner.spares == KEPT, "more bitmap words");
    for (unsigned i = KEPT; i > 0; i--)
        expect(new_slab(POOL) == slabs[i - 1] && owner.spares == i - 1);
    expect(new_slab(POOL) == slabs[MANY - 2], "from all again");
}

Test(slab, a_pinned_slab_is_never_released)
{
    struct hak_slab *pinned = new_slab(10), *other = new_slab(10);
    expect(hak_slab_pin(pinned) && !hak_slab_pin(pinned), "one pin at a time");
    expect(!hak_slab_settle(pinned) && owner.slabs == 2);
    hak_slab_trim(&owner);
    expect(owner.slabs == 1 && owner.usable[10] == pinned, "trim released %p", (void *)other);
    hak_slab_owner_check(&owner);
    hak_slab_unpin(pinned);
    hak_slab_trim(&owner);
    expect(owner.slabs == 0 && owner.usable[10] == NULL);
}

Test(slab, late_pins)
{
    new_slab(10);
    struct hak_slab *gone = new_slab(10);
    expect(hak_slab_settle(gone));
    expect(!hak_slab_pin(gone), "a released slab refuses");
    struct hak_slab *again = new_slab(10);
    expect(again == gone, "the descriptor was used again");
    expect(hak_slab_pin(gone), "the new slab has it");
    hak_slab_check(again);
    expect(!hak_slab_settle(again));
    hak_slab_unpin(again);
    expect(hak_slab_settle(again));
}

Test(slab, trimming_releases_the_empty_ones)
{
    struct hak_slab *slabs[HAK_CLASS_COUNT][3];
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        for (unsigned i = 0; i < 3; i++)
            slabs[size_class][i] = new_slab(size_class);
        take(slabs[size_class][1], 0, 1);
    }
    hak_slab_trim(&owner);
    hak_slab_owner_check(&owner);
    expect(owner.slabs == HAK_CLASS_COUNT);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++)
        put(slabs[size_class][1], 0, 1);
    hak_slab_trim(&owner);
    hak_span_trim();
    expect(owner.slabs == 0 && hak_span_totals().chunks == 0);
    expect(owner.span_bytes == 0 && owner.free_bytes == 0);
}

static void use_many_classes(bool may_fail)
{
    struct hak_slab *slabs[HAK_CLASS_COUNT];
    unsigned made = 0;
    for (unsigned i = 0; i < HAK_CLASS_COUNT; i++) {
        slabs[made] = hak_slab_new(&owner, i / 2 * 2);
        expect(slabs[made] != NULL || may_fail, "class %u", i / 2 * 2);
        made += slabs[made] != NULL;
        hak_slab_owner_check(&owner);
        hak_span_check();
    }
    expect(owner.slabs == made);
    for (unsigned i = 0; i < made; i++) {
        hak_slab_take(slabs[i], 0, 1);
        *hak_slab_block(slabs[i], 0) = 1;
        hak_slab_put(slabs[i], 0, 1);
    }
    hak_slab_trim(&owner);
    hak_span_trim();
    hak_span_check();
    struct hak_span_totals totals = hak_span_totals();
    expect(owner.slabs == 0 && totals.free_bytes == totals.chunk_bytes);
    expect(totals.chunks == 0 || may_fail);
}

Test(slab, each_call_may_fail)
{
    expect(fail_each_call(use_many_classes) >= 5);
}

// The maps are metadata, a chunk and the registry's table, in this order.
Test(first_slab, needs_three_maps)
{
    const unsigned successes[] = {0, 1, 1}; // what succeeded before is still there
    for (unsigned i = 0; i < 3; i++) {
        hak_fake_os_fail(successes[i], UINT_MAX);
        expect(hak_slab_new(&owner, 3) == NULL && owner.slabs == 0, "map %u failed", i);
        hak_slab_owner_check(&owner);
        hak_span_check();
    }
    expect(hak_span_totals().chunks == 1);
    hak_fake_os_fail(0, 0);
    hak_span_trim();
    expect(hak_span_totals().chunks == 0);
}

Test(slab, repeated_use_needs_no_more_memory)
{
    expect_no_loss(use_many_classes);
}

// --- the checks themselves

static void check_slab(void *slab)
{
    hak_slab_check(slab);
}

static void check_owner(void *unused)
{
    (void)unused;
    hak_slab_owner_check(&owner);
}

Test(slab, the_checks_see_broken_invariants)
{
    struct hak_slab *slab = new_slab(3);
    take(slab, 0, 1);
    slab->free_blocks++;
    expect_panic(check_slab, slab, "internal check failed");
    slab->free_blocks--;
    *hak_slab_remote_word(slab, 0) = 2; // free in both bitmaps
    expect_panic(check_slab, slab, "double free of");
    *hak_slab_remote_word(slab, 0) = 0;
    slab->first_word = 1;
    expect_panic(check_slab, slab, "internal check failed");
    slab->first_word = 0;
    slab->size_class = 4;
    expect_panic(check_owner, NULL, "internal check failed");
    slab->size_class = 3;
    succeed_in_child(check_owner, NULL);
}
