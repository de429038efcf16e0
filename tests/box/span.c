// The span allocator.
#include "fake_calls.h"
#include "span_tools.h"

#include <pthread.h>

static void write_on(const struct hak_span *span)
{
    memset(span->base, 0xa5, (size_t)span->granules * GRANULE);
}

// --- a random history: no overlap, contents stay, totals add up

enum { LIVE = 150 };

static void mark(const struct hak_span *span, uint32_t number)
{
    for (unsigned i = 0; i < span->granules; i++) {
        memcpy(span->base + (size_t)i * GRANULE, &number, sizeof number);
        memcpy(span->base + (size_t)(i + 1) * GRANULE - sizeof number, &number, sizeof number);
    }
}

static void expect_marked(const struct hak_span *span, uint32_t number)
{
    for (unsigned i = 0; i < span->granules; i++) {
        uint32_t first, last;
        memcpy(&first, span->base + (size_t)i * GRANULE, sizeof first);
        memcpy(&last, span->base + (size_t)(i + 1) * GRANULE - sizeof last, sizeof last);
        expect(first == number && last == number, "span %u is somebody else's too", number);
    }
}

static void random_history(struct dice *dice)
{
    static struct hak_span live[LIVE];
    static uint32_t numbers[LIVE];
    size_t live_bytes = 0;
    for (uint32_t step = 1; step < 6000; step++) {
        unsigned i = dice_roll(dice, LIVE);
        if (live[i].base != NULL) {
            expect_marked(&live[i], numbers[i]);
            live_bytes -= (size_t)live[i].granules * GRANULE;
            give(&live[i]);
            live[i].base = NULL;
        } else if (step % 2048 < 1500) { // in between it shrinks
            live[i] = take_as(1 + dice_roll(dice, HAK_SLAB_MAX_GRANULES), step % 3 == 0);
            numbers[i] = step;
            mark(&live[i], step);
            live_bytes += (size_t)live[i].granules * GRANULE;
        }
        struct hak_span_totals totals = hak_span_totals();
        expect(totals.chunk_bytes - totals.free_bytes == live_bytes);
        if (step % 512 == 0)
            hak_span_trim();
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i].base != NULL)
            expect_marked(&live[i], numbers[i]);
    }
}

Test(span, random_history)
{
    struct dice dice = dice_from(4);
    random_history(&dice);
}

Test(span, random_history_of_a_tidy_one)
{
    struct dice dice = dice_from(4);
    hak_options.dirty_mib = 0;
    hak_options.dirty_percent = 0;
    random_history(&dice);
    expect(hak_os_counts().purge > 100);
}

// --- placing

Test(span, neighbours_grow_together_again)
{
    struct hak_span spans[MIB_GRANULES];
    for (unsigned i = 0; i < MIB_GRANULES; i++)
        spans[i] = take(1);
    expect(hak_span_totals().chunks == 1 && hak_span_totals().free_bytes == 0);
    for (unsigned i = 0; i < MIB_GRANULES; i++)
        give(&spans[i * 7 % MIB_GRANULES]); // 7 and 16 are coprime: all of them
    struct hak_span low = take(8), high = take(8);
    expect(hak_span_totals().chunks == 1 && low.chunk == high.chunk && low.base != high.base);
    give(&low);
    give(&high);
}

// Chunk 1 gets a hole of two granules, chunk 2 is nearly empty.
Test(span, the_tightest_chunk_serves)
{
    struct hak_span first[MIB_GRANULES / 2];
    for (unsigned i = 0; i < MIB_GRANULES / 2; i++)
        first[i] = take(2);
    struct hak_span second = take(1);
    expect(first[0].chunk != second.chunk);
    give(&first[3]);
    struct hak_span three = take(3), two = take(2), one = take(1);
    expect(three.chunk == second.chunk && two.base == first[3].base && one.chunk == second.chunk);
    give(&two);
    one = take(1);
    expect(one.base == first[3].base);
}

Test(span, zero_is_told_truly)
{
    struct hak_span used = take(2);
    expect(used.zero);
    write_on(&used);
    give(&used);
    struct hak_span again = take(2);
    expect(again.base == used.base && !again.zero);
    give(&again);
    struct hak_span half = take(4); // two used granules, two new ones
    expect(half.base == used.base && !half.zero);
    struct hak_span fresh = take(4);
    expect(fresh.zero && fresh.base == half.base + 4 * GRANULE);
    give(&half);
    give(&fresh);
    expect(hak_span_trim() == MIB);
    expect(take(2).zero, "a new mapping");
}

static void give_twice(void *unused)
{
    (void)unused;
    struct hak_span span = take(3);
    hak_span_give(&span);
    hak_span_give(&span);
}

Test(span, giving_twice_is_noticed)
{
    expect_panic(give_twice, NULL, "internal check failed");
}

// --- chunk sizes

struct growth {
    long init, max, factor;
    size_t mib[6]; // of the first chunks
};

static void grow(void *argument)
{
    const struct growth *growth = argument;
    hak_options.chunk_init = growth->init;
    hak_options.chunk_max = growth->max;
    hak_options.chunk_growth = growth->factor;
    size_t before = 0;
    for (unsigned i = 0; i < 6; i++) {
        size_t free_bytes;
        do { // uses a chunk up and makes the next one
            take(1);
            free_bytes = hak_span_totals().free_bytes;
        } while (hak_span_totals().chunk_bytes == before);
        size_t bytes = hak_span_totals().chunk_bytes;
        expect(bytes - before == growth->mib[i] * MIB && free_bytes == bytes - before - GRANULE,
               "chunk %u has %zu KiB", i, (bytes - before) / 1024);
        before = bytes;
    }
}

Test(span, chunks_grow_as_the_options_say)
{
    static struct growth growths[] = {
        {1, 8, 2, {1, 2, 4, 8, 8, 8}}, {1, 8, 1, {1, 1, 1, 1, 1, 1}}, {2, 4, 2, {2, 4, 4, 4, 4, 4}},
        {1, 8, 8, {1, 8, 8, 8, 8, 8}}, {1, 8, 3, {1, 3, 8, 8, 8, 8}}, {8, 8, 2, {8, 8, 8, 8, 8, 8}},
        {1, 1, 8, {1, 1, 1, 1, 1, 1}}, {3, 5, 2, {3, 5, 5, 5, 5, 5}},
    };
    for (size_t i = 0; i < sizeof growths / sizeof growths[0]; i++)
        succeed_in_child(grow, &growths[i]);
}

Test(span, the_largest_chunk_bounds_the_first)
{
    static struct growth growth = {8, 2, 2, {2, 2, 2, 2, 2, 2}};
    succeed_in_child(grow, &growth);
}

// --- refusals and giving back

Test(span, a_refused_chunk_is_tried_smaller)
{
    hak_options.chunk_init = 8;
    take(1); // the metadata have their mapping now
    for (unsigned i = 1; i < 8 * MIB_GRANULES; i++)
        take(1);
    size_t before = hak_span_totals().chunk_bytes;
    hak_fake_os_fail(0, 2);
    take(1);
    expect(hak_span_totals().chunk_bytes - before == 2 * MIB);
}

static void take_and_give(bool may_fail)
{
    struct hak_span spans[40];
    unsigned taken = 0;
    for (unsigned i = 0; i < 40; i++) {
        if (hak_span_take(1 + i % HAK_SLAB_MAX_GRANULES, false, &spans[taken]))
            mark(&spans[taken++], i);
        else
            expect(may_fail);
        hak_span_check();
    }
    for (unsigned i = 0; i < taken; i++)
        give(&spans[i]);
    hak_span_trim();
    hak_span_check();
    struct hak_span_totals totals = hak_span_totals();
    expect(totals.free_bytes == totals.chunk_bytes && (totals.chunks == 0 || may_fail));
}

Test(span, each_call_may_fail)
{
    expect(fail_each_call(take_and_give) >= 6);
}

Test(span, repeated_use_needs_no_more_memory)
{
    expect_no_loss(take_and_give);
}

enum { SPANS = 192 }; // of half a MiB

static void give_many(struct hak_span *spans, size_t dirty_bound)
{
    for (unsigned i = 0; i < SPANS; i++) {
        give(&spans[i]);
        expect(hak_span_totals().dirty_bytes <= dirty_bound, "%zu KiB dirty",
               hak_span_totals().dirty_bytes / 1024);
    }
}

Test(span, dirty_memory_is_bounded)
{
    static struct hak_span spans[SPANS];
    hak_options.dirty_percent = 0;
    for (hak_options.dirty_mib = 0; hak_options.dirty_mib < 20; hak_options.dirty_mib += 4) {
        for (unsigned i = 0; i < SPANS; i++) {
            spans[i] = take(8);
            mark(&spans[i], i);
        }
        for (unsigned i = 1; i < SPANS; i += 3) { // in two passes: few chunks are free early on
            struct hak_span swapped = spans[i];
            spans[i] = spans[SPANS - i];
            spans[SPANS - i] = swapped;
        }
        size_t bound = (size_t)hak_options.dirty_mib * MIB;
        give_many(spans, bound);
        struct hak_span_totals totals = hak_span_totals();
        expect(totals.free_bytes == totals.chunk_bytes && (totals.dirty_bytes > 0) == (bound > 0));
        expect(totals.free_bytes <= 2 * bound + 8 * MIB, "%zu MiB", totals.free_bytes / MIB);
        hak_span_trim();
        hak_fake_os_advance(100000); // what it learns from this is another test's
    }
}

Test(span, a_share_of_live_memory_may_be_dirty)
{
    static struct hak_span spans[SPANS], dirty[20];
    hak_options.dirty_mib = 0;
    hak_options.dirty_percent = 10;
    for (unsigned i = 0; i < SPANS; i++)
        spans[i] = take(8);
    for (unsigned i = 0; i < 20; i++)
        dirty[i] = take(8);
    for (unsigned i = 0; i < 20; i++)
        give(&dirty[i]);
    size_t live = (size_t)SPANS * 8 * GRANULE, kept = hak_span_totals().dirty_bytes;
    expect(kept <= live / 10 + GRANULE && kept > 0, "%zu KiB", kept / 1024);
    for (unsigned i = 0; i < SPANS; i++)
        give(&spans[i]);
}

static size_t pages_of_chunks(void)
{
    struct hak_span_totals totals = hak_span_totals();
    return totals.chunk_bytes - (totals.free_bytes - totals.dirty_bytes);
}

Test(span, trimming_returns_what_is_free)
{
    struct hak_span span = take(8);
    mark(&span, 7);
    for (unsigned i = 0; i < 10; i++) {
        struct hak_span more[20];
        for (unsigned j = 0; j < 20; j++)
            more[j] = take(8);
        for (unsigned j = 0; j < 20; j++)
            give(&more[j]);
        size_t mapped = hak_os_counts().mapped_bytes, pages = pages_of_chunks();
        size_t chunk_bytes = hak_span_totals().chunk_bytes;
        size_t trimmed = hak_span_trim();
        hak_span_check();
        size_t unmapped = mapped - hak_os_counts().mapped_bytes;
        expect(unmapped == chunk_bytes - hak_span_totals().chunk_bytes && unmapped > 0);
        expect(trimmed >= unmapped && pages - pages_of_chunks() <= trimmed);
        expect(hak_span_totals().chunks == 1 && hak_span_totals().dirty_bytes == 0);
        expect(hak_span_trim() == 0, "nothing is left to give");
    }
    expect_marked(&span, 7);
    give(&span);
}

Test(span, purged_memory_is_zero_again)
{
    struct hak_span keeps_chunk = take(1), span = take(5);
    write_on(&span);
    give(&span);
    expect(hak_span_totals().dirty_bytes == 5 * GRANULE);
    expect(hak_span_trim() == 5 * GRANULE && hak_span_totals().chunks == 1);
    struct hak_span again = take(5);
    expect(again.base == span.base && again.zero);
    give(&again);
    give(&keeps_chunk);
}

Test(span, refusals_leave_it_dirty)
{
    struct hak_span keeps_chunk = take(1), span = take(5);
    write_on(&span);
    give(&span);
    hak_fake_os_fail(0, UINT_MAX);
    expect(hak_span_trim() == 0 && hak_span_totals().dirty_bytes == 5 * GRANULE);
    hak_fake_os_fail(0, 0);
    hak_span_check();
    struct hak_span again = take(5);
    expect(again.base == span.base && !again.zero);
    give(&again);
    give(&keeps_chunk);
    hak_fake_os_fail(0, 1); // the unmap
    expect(hak_span_trim() == 6 * GRANULE && hak_span_totals().chunks == 1, "purged instead");
    hak_span_check();
    expect(hak_span_trim() == MIB && hak_span_totals().chunks == 0);
}

Test(span, what_was_purged_before_a_refusal_is_zero)
{
    struct hak_span spans[5];
    for (unsigned i = 0; i < 5; i++)
        spans[i] = take(1);
    for (unsigned i = 1; i < 5; i += 2) { // the second and fourth granule: two runs
        write_on(&spans[i]);
        give(&spans[i]);
    }
    hak_fake_os_fail(1, 1);
    expect(hak_span_trim() == GRANULE && hak_span_totals().dirty_bytes == GRANULE);
    hak_span_check();
    expect(hak_span_trim() == GRANULE && hak_span_totals().dirty_bytes == 0);
    for (unsigned i = 0; i < 5; i += 2)
        give(&spans[i]);
}

// Not at every give: only a trim asks again.
Test(span, a_refused_purge_is_not_repeated)
{
    struct hak_span spans[16];
    hak_options.dirty_mib = 0;
    hak_options.dirty_percent = 0;
    for (unsigned i = 0; i < 16; i++)
        spans[i] = take(1);
    hak_fake_os_fail(0, UINT_MAX);
    uint64_t purges = hak_os_counts().purge;
    for (unsigned i = 0; i < 15; i++)
        give(&spans[i]);
    expect(hak_os_counts().purge == purges + 1 && hak_span_totals().dirty_bytes == 15 * GRANULE);
    hak_fake_os_fail(0, 0);
    expect(hak_span_trim() == 15 * GRANULE);
    struct hak_span again = take(2);
    give(&again);
    expect(hak_span_totals().dirty_bytes == 0, "purges again");
    give(&spans[15]);
}

// --- threads

static void *take_and_give_often(void *argument)
{
    struct dice dice = {(uintptr_t)argument};
    struct hak_span live[20] = {0};
    for (unsigned step = 0; step < 20000; step++) {
        struct hak_span *span = &live[dice_roll(&dice, 20)];
        uint32_t number = (uint32_t)(uintptr_t)argument;
        if (span->base == NULL) {
            expect(hak_span_take(1 + dice_roll(&dice, 8), step % 2 != 0, span));
            mark(span, number);
        } else {
            expect_marked(span, number);
            hak_span_give(span);
            span->base = NULL;
        }
    }
    return NULL;
}

Test(span, threads_share_the_chunks)
{
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++)
        expect(pthread_create(&threads[i], NULL, take_and_give_often, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    hak_span_check();
}
