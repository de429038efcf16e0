// Which slabs lie in large pages, and what becomes of these.
#include "fake_calls.h"
#include "hak_option.h"
#include "hak_sweep.h"
#include "small_registry.h"

enum {
    GRANULE = HAK_GRANULE_BYTES,
    MIB = 1024 * 1024,
    PAGE_GRANULES = HAK_OS_LARGE_PAGE_BYTES / GRANULE,
    CLASS = 24, // of one granule
};

static void chunks_of(long mib)
{
    hak_options.chunk_init = hak_options.chunk_max = mib;
}

static struct hak_span take(unsigned granules, bool large)
{
    struct hak_span span = {0};
    expect(hak_span_take(granules, large, &span));
    expect(!span.zero || is_filled(span.base, 0, (size_t)granules * GRANULE));
    hak_span_check();
    return span;
}

static size_t dirty_granules(void)
{
    return hak_span_totals().dirty_bytes / GRANULE;
}

static uint64_t placed(void)
{
    return hak_os_counts().place;
}

// --- spans

Test(large_pages, the_first_span_gets_one_and_the_next_lie_in_it)
{
    chunks_of(4);
    struct hak_span first = take(1, true);
    expect(first.present && first.zero && dirty_granules() == PAGE_GRANULES - 1);
    expect(hak_fake_os_wants_large_page(first.base));
    expect(!hak_fake_os_wants_large_page(first.base + HAK_OS_LARGE_PAGE_BYTES));
    uint64_t asked = placed();
    for (unsigned i = 1; i < PAGE_GRANULES; i++) {
        struct hak_span next = take(1, i % 2 == 0);
        expect(next.present && next.zero && next.base == first.base + (size_t)i * GRANULE);
    }
    expect(placed() == asked && dirty_granules() == 0);
    struct hak_span small = take(1, false);
    expect(!small.present && small.base == first.base + HAK_OS_LARGE_PAGE_BYTES);
    expect(!take(1, true).present && placed() == asked, "it has pages already");
}

Test(large_pages, what_nobody_asked_for_is_forbidden)
{
    chunks_of(4);
    hak_fake_os_gives_large_pages(true);
    struct hak_span first = take(1, true);
    expect(hak_fake_os_wants_large_page(first.base));
    expect(!hak_fake_os_wants_large_page(first.base + HAK_OS_LARGE_PAGE_BYTES));
}

Test(large_pages, a_span_that_does_not_begin_one_gets_none)
{
    chunks_of(4);
    char *start = take(3, false).base;
    uint64_t asked = placed();
    for (unsigned granules = 3; granules + 8 <= PAGE_GRANULES; granules += 8)
        expect(!take(8, true).present);
    expect(take(8, true).base < start + HAK_OS_LARGE_PAGE_BYTES && placed() == asked, "across");
}

Test(large_pages, what_has_pages_already_gets_none)
{
    chunks_of(4);
    struct hak_span span = take(1, false);
    uint64_t asked = placed();
    hak_span_give(&span);
    struct hak_span again = take(1, true);
    expect(again.base == span.base && again.present && !again.zero && placed() == asked);
}

Test(large_pages, there_are_none_where_they_would_not_stay)
{
    chunks_of(2);
    hak_options.dirty_mib = 1;
    struct hak_span span = take(1, true);
    expect(!span.present && !hak_fake_os_wants_large_page(span.base));
}

Test(large_pages, there_are_none_in_parts_of_chunks)
{
    hak_options.chunk_init = 1;
    hak_options.chunk_growth = hak_options.chunk_max = 3;
    for (unsigned i = 0; i < PAGE_GRANULES / 2; i++)
        expect(!take(1, true).present);
    uint64_t asked = placed();
    for (unsigned i = 0; i < PAGE_GRANULES; i++)
        expect(take(1, true).present);
    expect(!take(1, true).present && placed() == asked + 2, "a chunk, a large page");
}

Test(large_pages, a_refusal_is_no_loss)
{
    chunks_of(2);
    take(1, false);
    hak_span_trim();
    chunks_of(4);
    for (unsigned i = 1; i < PAGE_GRANULES; i++)
        take(1, false);
    hak_fake_os_fail(2, 1); // after the mapping and its advice
    struct hak_span span = take(1, true);
    expect(!span.present && dirty_granules() == 0 && !hak_fake_os_wants_large_page(span.base));
    hak_fake_os_fail(0, 0);
    expect(take(1, false).base == span.base + GRANULE);
}

Test(large_pages, one_that_is_not_to_be_had_is_no_longer_wanted)
{
    chunks_of(2);
    hak_fake_os_has_large_pages(false);
    struct hak_span span = take(1, true);
    expect(!span.present && dirty_granules() == 0 && !hak_fake_os_wants_large_page(span.base));
}

// A page that goes as a whole need not be split.
Test(large_pages, one_falls_apart_when_some_of_it_goes)
{
    chunks_of(4);
    struct hak_span spans[PAGE_GRANULES + 1];
    for (unsigned i = 0; i <= PAGE_GRANULES; i++)
        spans[i] = take(1, true);
    char *pages[2] = {spans[0].base, spans[PAGE_GRANULES].base};
    expect(hak_fake_os_wants_large_page(pages[0]) && hak_fake_os_wants_large_page(pages[1]));
    for (unsigned i = 0; i < PAGE_GRANULES; i++)
        hak_span_give(&spans[i]);
    uint64_t asked = placed();
    expect(hak_span_trim() == (size_t)(2 * PAGE_GRANULES - 1) * GRANULE && placed() == asked + 3);
    expect(!hak_fake_os_was_split(pages[0]) && hak_fake_os_was_split(pages[1]));
    expect(!hak_fake_os_wants_large_page(pages[0]) && !hak_fake_os_wants_large_page(pages[1]));
    expect(dirty_granules() == 0);
    hak_span_check();
    struct hak_span again = take(1, true);
    expect(again.base == pages[0] && again.present && again.zero && placed() == asked + 4);
}

Test(large_pages, what_is_purged_with_one_is_zero_again)
{
    chunks_of(2);
    struct hak_span keeps_chunk = take(1, true), span = take(2, true);
    memset(span.base, 1, 2 * GRANULE);
    hak_span_give(&span);
    hak_fake_os_fail(2, 1); // after want small, split
    expect(hak_span_trim() == 0);
    hak_fake_os_fail(0, 0);
    expect(dirty_granules() == PAGE_GRANULES - 1);
    struct hak_span again = take(2, true);
    expect(!again.zero && again.base == span.base);
    hak_span_give(&again);
    uint64_t asked = placed();
    expect(hak_span_trim() == (size_t)(PAGE_GRANULES - 1) * GRANULE && placed() == asked, "once");
    again = take(2, true);
    expect(again.zero && !again.present && again.base == span.base);
    hak_span_give(&again);
    hak_span_give(&keeps_chunk);
}

// --- slabs

static struct hak_slab_owner owner = {.tag = 5 << HAK_ENTRY_OWNER_SHIFT};

static size_t used_bytes(void)
{
    return owner.span_bytes - owner.free_bytes;
}

// The first slab of the class that lies in a large page, still empty; NULL: none does, in 64 MiB.
static struct hak_slab *first_in_large_page(unsigned size_class)
{
    for (size_t bytes = 0; bytes < 64 * MIB;) {
        struct hak_slab *slab = hak_slab_new(&owner, size_class);
        expect(slab != NULL);
        if (slab->span.present)
            return slab;
        for (unsigned word = 0; word < slab->words; word++)
            hak_slab_take(slab, word, hak_slab_free_bits(slab, word));
        bytes += slab->span.granules * (size_t)GRANULE;
    }
    return NULL;
}

static void start(void)
{
    small_registry();
    chunks_of(8);
}

TestSuite(slabs_in_large_pages, .init = start);

Test(slabs_in_large_pages, they_are_those_of_owners_that_use_4_mib)
{
    take(8, false); // so that with the 68th slab a large page begins
    take(8, false);
    take(8, false);
    take(4, false);
    struct hak_slab *slab = first_in_large_page(CLASS);
    expect(slab != NULL && hak_fake_os_wants_large_page(slab->span.base));
    expect(owner.slabs == 69 && used_bytes() >= 4 * MIB, "%zu slabs", owner.slabs);
}

Test(slabs_in_large_pages, slabs_that_are_free_are_not_in_use)
{
    for (unsigned i = 0; i < 100; i++)
        expect(!hak_slab_new(&owner, CLASS)->span.present);
}

Test(slabs_in_large_pages, there_are_none_if_they_are_not_wanted)
{
    hak_options.huge = 0;
    expect(first_in_large_page(CLASS) == NULL);
}

Test(slabs_in_large_pages, those_of_eight_granules_are_of_owners_that_use_32_mib)
{
    unsigned size_class = HAK_CLASS_COUNT - 1;
    expect(hak_class_granules(size_class) == 8 && first_in_large_page(size_class) != NULL);
    expect(used_bytes() >= 32 * MIB && used_bytes() <= 34 * MIB, "%zu", used_bytes() / MIB);
}

static void take_first(struct hak_slab *slab, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        hak_slab_take(slab, i / 64, (uint64_t)1 << (i % 64));
        memset(hak_slab_block(slab, i), 1, hak_slab_usable(slab));
    }
}

static void put(struct hak_slab *slab, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        hak_slab_put(slab, i / 64, (uint64_t)1 << (i % 64));
}

// What a sweep gives back of a slab with one block in use, at least.
static size_t sweepable_bytes(const struct hak_slab *slab)
{
    return (size_t)slab->blocks * slab->stride - 3 * HAK_MIN_PAGE_BYTES;
}

// Whoever sweeps one page of it sweeps what was never used as well.
Test(slabs_in_large_pages, a_sweep_gives_all_free_pages_back)
{
    struct hak_slab *slab = first_in_large_page(CLASS);
    unsigned half = slab->blocks / 2u;
    uint64_t asked = placed();
    take_first(slab, half);
    expect(hak_sweep(&owner) == 0 && slab->span.present && placed() == asked, "nothing was freed");
    put(slab, 0, half - 1); // one keeps the slab
    expect(hak_sweep(&owner) >= sweepable_bytes(slab) && placed() == asked + 2);
    expect(!hak_fake_os_wants_large_page(slab->span.base) &&
           hak_fake_os_was_split(slab->span.base));
    expect(hak_sweep(&owner) == 0 && placed() == asked + 2, "once");
}

Test(slabs_in_large_pages, a_free_run_goes_on_in_what_was_never_used)
{
    struct hak_slab *slab = first_in_large_page(CLASS);
    unsigned half = slab->blocks / 2u;
    take_first(slab, half);
    put(slab, 1, half);
    expect(hak_sweep(&owner) >= sweepable_bytes(slab) && hak_sweep(&owner) == 0);
}

Test(slabs_in_large_pages, what_comes_to_lie_in_the_rest_of_a_split_one_is_swept_alike)
{
    struct hak_slab *slab = first_in_large_page(CLASS);
    unsigned half = slab->blocks / 2u;
    take_first(slab, half);
    put(slab, 0, half - 1);
    hak_sweep(&owner);
    struct hak_slab *next = hak_slab_new(&owner, CLASS);
    expect(next->span.base == slab->span.base + GRANULE && next->span.present);
    take_first(next, half);
    put(next, 0, half - 1);
    expect(hak_sweep(&owner) >= sweepable_bytes(next));
}
