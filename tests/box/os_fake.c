// The fake boundary fails exactly what its script says.
#include "fake_calls.h"

enum { PAGE = HAK_MIN_PAGE_BYTES };

Test(os_fake, fails_by_script_and_recovers)
{
    for (unsigned successes = 0; successes < 4; successes++) {
        hak_fake_os_fail(successes, 2);
        void *pages[6];
        for (unsigned i = 0; i < 6; i++) {
            pages[i] = hak_os_map(PAGE, PAGE);
            expect((pages[i] == NULL) == (i >= successes && i < successes + 2), "call %u", i);
        }
        for (unsigned i = 0; i < 6; i++)
            expect(pages[i] == NULL || hak_os_unmap(pages[i], PAGE));
    }
    expect(hak_os_counts().mapped_bytes == 0);
}

Test(os_fake, each_kind_of_call_fails_and_counts)
{
    char *p = hak_os_map(PAGE, PAGE);
    memset(p, 1, PAGE);
    struct hak_os_counts before = hak_os_counts();
    hak_fake_os_fail(0, 4);
    expect(!hak_os_purge(p, PAGE));
    expect(!hak_os_unmap(p, PAGE));
    expect(hak_os_resize(p, PAGE, PAGE, p) == NULL);
    expect(hak_os_map(PAGE, PAGE) == NULL);
    struct hak_os_counts after = hak_os_counts();
    expect(after.map - before.map == 1 && after.unmap - before.unmap == 1 &&
           after.purge - before.purge == 1 && after.resize - before.resize == 1);
    expect(after.mapped_bytes == before.mapped_bytes);
    expect(is_filled(p, 1, PAGE) && hak_os_unmap(p, PAGE));
}

Test(os_fake, discarding_falls_back_to_purging)
{
    char *p = hak_os_map(PAGE, PAGE);
    memset(p, 1, PAGE);
    hak_fake_os_fail(0, 1);
    hak_os_discard(p, PAGE);
    expect(is_filled(p, 0, PAGE) && hak_os_counts().mapped_bytes == PAGE);
    hak_os_discard(p, PAGE);
    expect(hak_os_counts().mapped_bytes == 0);
}

enum { RANGES = 5 };

// Every other page of ten.
static void map_ranges(struct hak_os_range ranges[RANGES])
{
    char *pages = hak_os_map(2 * RANGES * PAGE, PAGE);
    expect(pages != NULL);
    memset(pages, 1, 2 * RANGES * PAGE);
    for (unsigned i = 0; i < RANGES; i++)
        ranges[i] = (struct hak_os_range){pages + 2 * i * PAGE, PAGE};
}

static void expect_zero_pages(const struct hak_os_range ranges[RANGES], unsigned count)
{
    for (unsigned i = 0; i < RANGES; i++)
        expect(is_filled(ranges[i].start, i < count ? 0 : 1, PAGE), "range %u of %u", i, count);
}

Test(os_fake, ranges_are_purged_one_by_one_up_to_a_refusal)
{
    for (unsigned passes = 0; passes <= RANGES; passes++) {
        struct hak_os_range ranges[RANGES];
        map_ranges(ranges);
        uint64_t purges = hak_os_counts().purge;
        hak_fake_os_fail(passes, passes < RANGES ? 1 : 0);
        expect(hak_os_purge_each(ranges, RANGES) == passes);
        expect(hak_os_counts().purge == purges + passes + (passes < RANGES));
        expect_zero_pages(ranges, passes);
    }
}

Test(os_fake, ranges_are_purged_together_or_else_one_by_one)
{
    struct hak_os_range ranges[RANGES];
    hak_fake_os_purges_together(true);
    map_ranges(ranges);
    uint64_t purges = hak_os_counts().purge;
    expect(hak_os_purge_each(ranges, RANGES) == RANGES);
    expect(hak_os_counts().purge == purges + 1);
    expect_zero_pages(ranges, RANGES);
    map_ranges(ranges);
    hak_fake_os_fail(0, 1);
    purges = hak_os_counts().purge;
    expect(hak_os_purge_each(ranges, RANGES) == RANGES);
    expect(hak_os_counts().purge == purges + 1 + RANGES - RANGES / 2, "goes on where it stopped");
    expect_zero_pages(ranges, RANGES);
    purges = hak_os_counts().purge;
    expect(hak_os_purge_each(ranges, 0) == 0 && hak_os_counts().purge == purges);
}

Test(os_fake, the_clock_stands_still)
{
    uint64_t now = hak_os_now_ms();
    hak_fake_os_advance(1234);
    expect(hak_os_now_ms() == now + 1234 && hak_os_now_ms() == now + 1234);
}

Test(os_fake, maps_no_more_than_its_limit)
{
    hak_fake_os_limit(3 * PAGE);
    expect(hak_os_address_limit() == 3 * PAGE);
    void *p = hak_os_map(2 * PAGE, PAGE);
    expect(p != NULL && hak_os_map(2 * PAGE, PAGE) == NULL);
    expect(hak_os_counts().mapped_bytes == 2 * PAGE);
    void *q = hak_os_map(PAGE, PAGE);
    expect(q != NULL && hak_os_unmap(p, 2 * PAGE) && hak_os_unmap(q, PAGE));
}
