// How much room bins have.
#include "front_tools.h"
#include "hak_bins.h"

TestSuite(bins, .init = cold_heap);

static void churn(unsigned size_class, unsigned count)
{
    static void *blocks[4096];
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < count; i++)
            blocks[i] = alloc(size_class);
        for (unsigned i = 0; i < count; i++)
            free_block(blocks[i]);
    }
}

Test(bins, capacity_grows_with_use_within_its_slots)
{
    const long bounds[] = {16, 33, 64, 500, 2048};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        hak_options.cache_slots = bounds[i];
        note_start_slots();
        churn(TINY, 4096);
        unsigned slots = capacity(&heap->bins[TINY]), at_first = start_slots[TINY];
        expect(slots <= bounds[i] && (slots > at_first || at_first >= bounds[i] / 2),
               "%ld: %u, then %u", bounds[i], at_first, slots);
        hak_heap_check(heap);
        expect((extra_bytes() > 0) == (slots > at_first));
        hak_front_empty(heap);
        expect(capacity(&heap->bins[TINY]) == 0 && extra_bytes() == 0);
    }
}

Test(bins, a_class_caches_little_memory)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class += 8) {
        churn(size_class, size_class < HAK_TINY_CLASSES ? 2000 : 30);
        const struct hak_bin *bin = &heap->bins[size_class];
        size_t bytes = capacity(bin) * hak_class_stride(size_class);
        size_t bound = (size_t)(size_class < HAK_TINY_CLASSES ? 128 : 512) * KIB;
        expect(bytes <= bound || capacity(bin) == 2, "class %u: %zu KiB", size_class, bytes / KIB);
        hak_front_empty(heap);
        hak_slab_trim(&heap->owner.slabs);
    }
}

Test(bins, growth_is_bounded_for_all_classes_together)
{
    for (hak_options.cache_kib = 64; hak_options.cache_kib <= 8192; hak_options.cache_kib *= 8) {
        note_start_slots();
        size_t bound = (size_t)hak_options.cache_kib * KIB, most = 0;
        for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
            churn(size_class, size_class < HAK_TINY_CLASSES ? 2000 : 20);
            size_t grown = extra_bytes();
            expect(grown <= bound, "%zu of %zu KiB", grown / KIB, bound / KIB);
            most = grown > most ? grown : most;
        }
        expect(most >= bound / 8, "%zu of %zu KiB", most / KIB, bound / KIB);
        hak_front_empty(heap);
        hak_slab_trim(&heap->owner.slabs);
    }
}

Test(bins, those_of_larger_blocks_leave_room_to_those_of_small_ones)
{
    hak_options.cache_kib = 65536; // so that the used bytes are what bounds it
    note_start_slots();
    for (unsigned i = 0; i < 1024; i++)
        (void)alloc(hak_class_of(8 * KIB)); // live throughout
    for (unsigned size_class = HAK_CLASS_COUNT; --size_class > hak_class_of(8 * KIB);)
        churn(size_class, 20);
    size_t quarter = (heap->owner.slabs.span_bytes - heap->owner.slabs.free_bytes) / 4;
    size_t pool_bytes = extra_bytes();
    // What was churned was in use, too.
    expect(pool_bytes > quarter * 3 / 4 && pool_bytes < quarter * 5 / 4, "%zu KiB",
           pool_bytes / KIB);
    for (unsigned size_class = 10; size_class < HAK_TINY_CLASSES; size_class++)
        churn(size_class, (unsigned)(512 * KIB / hak_class_stride(size_class)));
    expect(extra_bytes() > pool_bytes + 512 * KIB, "%zu KiB", extra_bytes() / KIB);
    hak_heap_check(heap);
}

Test(bins, pool_blocks_get_their_first_room_whatever_tiny_ones_have)
{
    note_start_slots();
    for (unsigned i = 0; i < 4000; i++)
        (void)alloc(hak_class_of(1000)); // live throughout
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++)
        churn(size_class, 1000);
    size_t used = heap->owner.slabs.span_bytes - heap->owner.slabs.free_bytes;
    expect(extra_bytes() > used / 4 && extra_bytes() < used * 7 / 16, "%zu of %zu KiB",
           extra_bytes() / KIB, used / KIB);
    unsigned granted_end = hak_class_of(32 * KIB) + 1;
    free_block(alloc(granted_end));
    expect(capacity(&heap->bins[granted_end]) == 2, "within the half");
    hak_options.cache_kib = 64; // far less than there is
    for (unsigned size_class = HAK_TINY_CLASSES; size_class < HAK_CLASS_COUNT; size_class++) {
        free_block(alloc(size_class));
        bool has_room = capacity(&heap->bins[size_class]) > 0;
        expect(has_room == (size_class <= granted_end), "class %u", size_class);
    }
    hak_heap_check(heap);
}

// Blocks of all pool classes, several MiB, freed in the order they were allocated: slabs are
// released one after the other, which leaves no free blocks that would call for a sweep.
static void up_and_down(void)
{
    enum { EACH = MIB };
    static void *blocks[HAK_CLASS_COUNT][EACH / (2 * KIB)];
    for (unsigned i = 0; i < EACH / (2 * KIB); i++) {
        for (unsigned size_class = HAK_TINY_CLASSES; size_class < HAK_CLASS_COUNT; size_class++) {
            if (i * hak_class_stride(size_class) < EACH)
                blocks[size_class][i] = alloc(size_class);
        }
    }
    for (unsigned size_class = HAK_TINY_CLASSES; size_class < HAK_CLASS_COUNT; size_class++) {
        for (unsigned i = 0; i * hak_class_stride(size_class) < EACH; i++)
            free_block(blocks[size_class][i]);
    }
    hak_heap_check(heap);
}

Test(bins, bins_begin_anew_in_a_heap_that_has_shrunk)
{
    up_and_down();
    expect(heap->room.given_up_bytes > 2 * MIB && heap->room.extra_bytes <= 512 * KIB);
    size_t kept = heap->owner.slabs.span_bytes - heap->owner.slabs.free_bytes;
    expect(kept <= 1 * MIB, "%zu KiB", kept / KIB);
}

Test(bins, bins_whose_room_is_needed_again_keep_it)
{
    up_and_down();
    size_t given_up = heap->room.given_up_bytes;
    up_and_down();
    up_and_down(); // perhaps two more mistakes
    for (unsigned round = 0; round < 10; round++) {
        up_and_down();
        expect(heap->room.reluctance >= 1 && heap->room.reluctance <= 2, "round %u", round);
        expect(heap->room.given_up_bytes == 0, "round %u", round);
        expect(heap->room.extra_bytes > given_up / 2);
    }
}

Test(bins, bins_whose_room_was_not_needed_again_shrink_more_readily)
{
    const unsigned reluctance[] = {2, 1, 0, 0};
    for (unsigned i = 0; i < 3; i++) {
        heap->room.reluctance = reluctance[i];
        heap->room.extra_bytes = 4 * MIB;
        heap->room.given_up_bytes = 2 * MIB;
        expect(hak_bins_are_oversized(heap), "nothing is in use");
        hak_bins_shrink(heap);
        expect(heap->room.reluctance == reluctance[i + 1]);
        expect(heap->room.given_up_bytes == 4 * MIB && heap->room.extra_bytes == 0);
    }
}
