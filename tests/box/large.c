// Large blocks.
#include "fake_calls.h"
#include "hak_bigcache.h"
#include "hak_large.h"
#include "hak_meta.h"
#include "hak_option.h"
#include "hak_span.h"
#include "small_registry.h"

#include <pthread.h>

enum { KIB = 1024, MIB = 1024 * 1024, GRANULE = HAK_GRANULE_BYTES };

TestSuite(large, .init = small_registry);

static unsigned char *alloc(size_t bytes, size_t alignment)
{
    bool zero = false;
    unsigned char *p = hak_large_alloc(bytes, alignment, &zero);
    expect(p != NULL && (uintptr_t)p % alignment == 0);
    expect((hak_page_registry_entry(p) & HAK_ENTRY_OFFSET_MASK) >= HAK_BIN_END);
    size_t usable = hak_large_usable(p), rounded = hak_round_up(bytes, GRANULE);
    expect(usable >= bytes && usable <= rounded + rounded / 8, "%zu for %zu", usable, bytes);
    expect(!zero || is_filled(p, 0, usable), "%zu bytes not zero", bytes);
    return p;
}

static void free_large(void *p)
{
    hak_large_free(p);
    expect(hak_page_registry_entry(p) == 0);
}

static void use_sizes_and_alignments(bool may_fail)
{
    (void)may_fail;
    for (size_t bytes = HAK_POOL_MAX_BYTES + 1; bytes < 8 * MIB; bytes += bytes / 2) {
        for (size_t alignment = 1; alignment <= 8 * MIB; alignment *= 8) {
            unsigned char *p = alloc(bytes, alignment), *q = alloc(bytes, alignment);
            memset(p, 1, hak_large_usable(p));
            memset(q, 2, hak_large_usable(q));
            expect(is_filled(p, 1, hak_large_usable(p)));
            free_large(p);
            expect(is_filled(q, 2, hak_large_usable(q)));
            free_large(q);
        }
    }
    free_large(alloc(1, 2 * MIB)); // small, but aligned like nothing else
    hak_bigcache_trim();
}

Test(large, sizes_and_alignments)
{
    expect_no_loss(use_sizes_and_alignments);
}

Test(large, what_cannot_be_mapped_is_refused)
{
    bool zero;
    size_t before = hak_os_counts().mapped_bytes;
    const size_t sizes[] = {SIZE_MAX,
                            SIZE_MAX - GRANULE,
                            PTRDIFF_MAX,
                            (size_t)PTRDIFF_MAX + 1,
                            PTRDIFF_MAX - GRANULE,
                            (size_t)1 << 50};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        expect(hak_large_alloc(sizes[i], 1, &zero) == NULL, "%zu", sizes[i]);
    size_t stays = hak_os_counts().mapped_bytes - before;
    expect(stays <= 512 * KIB, "%zu bytes for descriptors?", stays);
}

Test(large, fresh_mappings_are_zero_and_cached_ones_are_not_said_to_be)
{
    bool zero = false;
    char *p = hak_large_alloc(1 * MIB, 1, &zero);
    expect(p != NULL && zero);
    memset(p, 1, 1 * MIB);
    free_large(p);
    p = hak_large_alloc(1 * MIB, 1, &zero);
    expect(p != NULL && (!zero || is_filled(p, 0, 1 * MIB)));
    free_large(p);
}

// A block that was used before, the last `written` of its 16 parts.  Returns the calls that
// clearing takes.
static uint64_t clear_used(size_t bytes, unsigned written)
{
    unsigned char *p = alloc(bytes, 1);
    memset(p, 0, bytes);
    memset(p + bytes - written * (bytes / 16), 1, written * (bytes / 16));
    uint64_t calls = hak_os_counts().purge;
    hak_large_clear(p, bytes - 100);
    expect(is_filled(p, 0, bytes - 100));
    calls = hak_os_counts().purge - calls;
    free_large(p);
    return calls;
}

Test(large, what_is_mostly_zero_is_cleared_by_giving_it_back)
{
    expect(clear_used(4 * MIB, 0) == 1 && clear_used(4 * MIB, 7) == 1);
    expect(clear_used(4 * MIB, 9) == 0 && clear_used(4 * MIB, 16) == 0);
    expect(clear_used(4 * MIB + 3, 3) == 1 && clear_used(1 * MIB, 0) == 0, "too small");
    unsigned char *p = alloc(4 * MIB, 1);
    for (size_t at = 100; at < 4 * MIB; at += HAK_MIN_PAGE_BYTES)
        p[at] = 1;
    uint64_t calls = kernel_calls();
    hak_large_clear(p, 4 * MIB);
    expect(is_filled(p, 0, 4 * MIB) && kernel_calls() == calls, "no page is zero");
    memset(p + MIB, 1, MIB);
    hak_fake_os_fail(0, 1);
    hak_large_clear(p, 4 * MIB);
    expect(is_filled(p, 0, 4 * MIB), "refused");
}

Test(large, repeated_sizes_cost_no_kernel_call)
{
    if (is_impl("none") || HAK_HARDENED_FULLY)
        return; // maps and unmaps, by design
    for (size_t bytes = HAK_POOL_MAX_BYTES + 1; bytes < 4 * MIB; bytes += 100 * KIB) {
        free_large(alloc(bytes, 1));
        uint64_t calls = kernel_calls();
        for (unsigned i = 0; i < 10; i++)
            free_large(alloc(bytes, 1));
        expect(kernel_calls() == calls, "%zu bytes", bytes);
    }
}

// Gives 40 MiB back that were written as a whole, and wants them again.
static unsigned char *come_and_go(void)
{
    unsigned char *p = alloc(40 * MIB, 1);
    memset(p, 1, 40 * MIB);
    free_large(p);
    hak_bigcache_trim();
    return alloc(40 * MIB, 1);
}

Test(large, blocks_that_come_and_go_ask_for_large_pages)
{
    if (is_impl("none") || HAK_HARDENED_FULLY) {
        expect(!hak_fake_os_wants_large_page(come_and_go()));
        return;
    }
    hak_fake_os_has_large_pages(false); // the kernel takes note all the same
    unsigned char *p = come_and_go();
    expect(hak_fake_os_wants_large_page(p));
    free_large(p);
    struct hak_mapping kept;
    expect(hak_bigcache_take(8 * MIB, 1, &kept) && kept.placed == HAK_LARGE_PAGES);
    hak_os_discard(kept.start, kept.bytes);
}

Test(large, large_pages_that_are_refused_are_as_good_as_none)
{
    unsigned char *p = come_and_go();
    memset(p, 1, 40 * MIB);
    free_large(p);
    hak_bigcache_trim();
    bool asks = !is_impl("none") && !HAK_HARDENED_FULLY;
    uint64_t asked = hak_os_counts().place;
    if (asks)
        hak_fake_os_fail(1, 1); // after the mapping
    p = alloc(40 * MIB, 1);
    expect(hak_os_counts().place == asked + asks && !hak_fake_os_wants_large_page(p));
    expect(is_filled(p, 0, 40 * MIB));
    free_large(p);
    struct hak_mapping kept;
    if (asks)
        expect(hak_bigcache_take(8 * MIB, 1, &kept) && kept.placed == 0);
}

Test(large, resizing_keeps_contents)
{
    if (HAK_HARDENED_FULLY)
        return; // never resizes
    unsigned char *p = alloc(1 * MIB, 1);
    memset(p, 1, 1 * MIB);
    unsigned char *q = hak_large_resize(p, 5 * MIB);
    expect(q != NULL && hak_large_usable(q) >= 5 * MIB && is_filled(q, 1, 1 * MIB));
    expect(q == p || hak_page_registry_entry(p) == 0, "the old place is forgotten");
    memset(q, 2, 5 * MIB);
    p = hak_large_resize(q, 1 * MIB);
    expect(p != NULL && is_filled(p, 2, 1 * MIB) && hak_large_usable(p) < 2 * MIB);
    expect(hak_large_resize(p, hak_large_usable(p)) == p, "nothing to do");
    expect(hak_large_resize(p, SIZE_MAX) == NULL && hak_large_resize(p, PTRDIFF_MAX) == NULL);
    expect(is_filled(p, 2, 1 * MIB) && hak_large_usable(p) >= 1 * MIB);
    free_large(p);
}

Test(large, growing_again_costs_no_kernel_call)
{
    if (is_impl("none") || HAK_HARDENED_FULLY)
        return;
    uint64_t calls = 0;
    for (unsigned round = 0; round < 3; round++) {
        unsigned char *p = alloc(600 * KIB, 1);
        for (size_t bytes = 600 * KIB; bytes < 1800 * KIB; bytes += 100 * KIB) {
            memset(p, (int)(bytes / KIB % 251), bytes);
            p = hak_large_resize(p, bytes + 100 * KIB);
            expect(p != NULL && is_filled(p, (int)(bytes / KIB % 251), bytes));
        }
        p = hak_large_resize(p, 700 * KIB); // the rest is kept
        free_large(p);
        expect(round == 0 || kernel_calls() == calls, "round %u", round);
        calls = kernel_calls();
    }
}

Test(large, a_refused_resize_leaves_the_block)
{
    if (HAK_HARDENED_FULLY)
        return; // never resizes
    unsigned char *p = alloc(1 * MIB, 1);
    memset(p, 1, 1 * MIB);
    for (unsigned successes = 0; successes < 3; successes++) { // in place, to a new mapping
        hak_fake_os_fail(successes, UINT_MAX);
        unsigned char *q = hak_large_resize(p, 2 * MIB);
        hak_fake_os_fail(0, 0);
        expect(q == NULL && is_filled(p, 1, 1 * MIB) && hak_large_usable(p) >= 1 * MIB);
    }
    expect(hak_large_resize(p, 2 * MIB) != NULL);
}

Test(large, a_refused_resize_gives_back_what_it_had_taken)
{
    if (is_impl("none") || HAK_HARDENED_FULLY)
        return;
    unsigned char *p = hak_large_resize(alloc(2 * MIB, 1), 1 * MIB); // one is kept behind it
    size_t usable = hak_large_usable(p), kept = hak_bigcache_bytes(), live = hak_large_bytes();
    hak_fake_os_fail(0, UINT_MAX);
    expect(hak_large_resize(p, 4 * MIB) == NULL);
    hak_fake_os_fail(0, 0);
    expect(kept > 0 && hak_bigcache_bytes() == kept);
    expect(hak_large_usable(p) == usable && hak_large_bytes() == live);
    hak_fake_os_fail(0, 1); // not in place, but by moving
    expect(hak_large_resize(p, 4 * MIB) != NULL);
    expect(hak_bigcache_bytes() == kept, "what may be another mapping to the kernel stays");
}

Test(large, a_refused_move_leaves_no_trace)
{
    unsigned char *p = alloc(1 * MIB, 1);
    hak_fake_os_fail(2, 1); // in place, the new mapping, moving there
    size_t mapped = hak_os_counts().mapped_bytes;
    unsigned char *moved = hak_large_resize(p, 2 * MIB);
    expect(moved == NULL && hak_os_counts().mapped_bytes == mapped);
    void *there = hak_os_map(2 * MIB, 1); // the same place, most likely
    expect(there != NULL && hak_page_registry_entry(there) == 0);
    free_large(p);
}

// --- what is no block

static void free_it(void *p)
{
    hak_large_free(p);
}

// More than the bound, which a janitor is to give back.
static void free_many_spans(void)
{
    enum { SPANS = 40 };
    struct hak_span spans[SPANS];
    for (unsigned i = 0; i < SPANS; i++)
        expect(hak_span_take(HAK_SLAB_MAX_GRANULES, false, &spans[i]));
    for (unsigned i = 0; i < SPANS; i++)
        hak_span_give(&spans[i]);
    expect(hak_span_totals().dirty_bytes == (size_t)SPANS * HAK_SLAB_MAX_GRANULES * GRANULE);
}

// Else the process would be larger than it ever was.
Test(large, free_spans_do_not_wait_where_memory_is_mapped)
{
    size_t half_of_bound = (size_t)hak_options.dirty_mib * MIB / 2;
    hak_span_expect_janitor(true);
    free_many_spans();
    unsigned char *block = alloc(2 * MIB, 1);
    expect(hak_span_totals().dirty_bytes <= half_of_bound);
    if (HAK_HARDENED_FULLY)
        return;                  // never resizes
    hak_fake_os_advance(100000); // nothing is regretted
    free_many_spans();
    block = hak_large_resize(block, 3 * MIB);
    expect(block != NULL && hak_span_totals().dirty_bytes <= half_of_bound);
    hak_large_free(block);
}

Test(large, interior_pointers_are_refused)
{
    unsigned char *p = alloc(2 * MIB, 1);
    expect(hak_large_usable(p + 16) == 0 && hak_large_resize(p + 16, 3 * MIB) == NULL);
    expect_panic(free_it, p + 16, "invalid free of 0x");
    expect_panic(free_it, p + 1, "invalid free of 0x");
    expect(hak_page_registry_entry(p + hak_large_usable(p) / 2) == 0, "only the start is recorded");
    free_large(p);
}

// --- failures

static void use_large(bool may_fail)
{
    enum { COUNT = 6 };
    unsigned char *blocks[COUNT] = {NULL};
    bool zero;
    for (unsigned i = 0; i < COUNT; i++) {
        size_t bytes = 600 * KIB + (size_t)i % 4 * 100 * KIB;
        blocks[i] = hak_large_alloc(bytes, i % 3 == 0 ? 1 * MIB : 1, &zero);
        expect(blocks[i] != NULL || may_fail);
        if (blocks[i] == NULL)
            continue;
        memset(blocks[i], (int)i + 1, 4096);
        unsigned char *moved = i % 4 == 1 ? hak_large_resize(blocks[i], bytes + 300 * KIB)
                                          : blocks[i];
        expect(moved != NULL || may_fail || HAK_HARDENED_FULLY);
        blocks[i] = moved != NULL ? moved : blocks[i];
        expect(hak_large_usable(blocks[i]) >= bytes &&
               is_filled(blocks[i], (unsigned char)(i + 1), 4096));
        if (i % 3 == 2) {
            free_large(blocks[i]);
            blocks[i] = NULL;
        }
    }
    for (unsigned i = 0; i < COUNT; i++) {
        if (blocks[i] != NULL)
            free_large(blocks[i]);
    }
    hak_bigcache_trim();
}

Test(large, each_call_may_fail)
{
    expect(fail_each_call(use_large) >= 8);
}

Test(large, repeated_use_needs_no_more_memory)
{
    expect_no_loss(use_large);
}

// Neither without memory for the registry's table nor without memory for the block.
Test(first_large, without_memory_nothing_stays)
{
    // One map of it; a second one would show a loss.
    const size_t metadata = 256 * KIB + (HAK_HARDENED_FULLY ? 2 * HAK_MIN_PAGE_BYTES : 0);
    bool zero;
    hak_fake_os_limit(2 * metadata + GRANULE);
    for (unsigned i = 0; i < 10000; i++)
        expect(hak_large_alloc(i % 2 == 0 ? 1 : 8 * MIB, 1, &zero) == NULL);
    hak_bigcache_trim();
    expect(hak_os_counts().mapped_bytes == metadata, "%zu", hak_os_counts().mapped_bytes);
}

// --- threads

static void *alloc_and_free(void *argument)
{
    struct dice dice = {(uintptr_t)argument};
    for (unsigned step = 0; step < 200; step++) {
        size_t bytes = HAK_POOL_MAX_BYTES + 1 + dice_roll(&dice, 1 * MIB);
        unsigned char *p = alloc(bytes, 1);
        memset(p, (int)step, 64);
        p[bytes - 1] = (unsigned char)step;
        expect(is_filled(p, (unsigned char)step, 64) && p[bytes - 1] == (unsigned char)step);
        hak_large_free(p); // its place may be the other thread's at once
    }
    return NULL;
}

Test(large, threads_share_the_cache)
{
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++)
        expect(pthread_create(&threads[i], NULL, alloc_and_free, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}
