// Dirty memory beyond the bound: with a janitor it waits, and goes in time.
#include "fake_calls.h"
#include "hak_bell.h"
#include "span_tools.h"

enum { SPANS = 192, PATIENCE_MS = 250 };

// Spans of half a MiB: what exceeds a bound of 16 MiB six times.
static void take_all(struct hak_span *spans)
{
    for (unsigned i = 0; i < SPANS; i++)
        spans[i] = take(8);
}

static void give_all(struct hak_span *spans)
{
    for (unsigned i = 0; i < SPANS; i++)
        give(&spans[i]);
}

Test(span_excess, with_a_janitor_the_excess_waits)
{
    static struct hak_span spans[SPANS];
    hak_span_expect_janitor(true);
    take_all(spans);
    expect(hak_span_purge_excess(PATIENCE_MS) == 0);
    uint32_t rings = hak_bell_rings();
    uint64_t calls = hak_os_counts().purge + hak_os_counts().unmap;
    give_all(spans);
    size_t all = (size_t)SPANS * 8 * GRANULE;
    expect(hak_bell_rings() == rings + 1 && hak_span_totals().dirty_bytes == all);
    expect(hak_span_purge_excess(PATIENCE_MS) == PATIENCE_MS);
    hak_fake_os_advance(100);
    expect(hak_span_purge_excess(PATIENCE_MS) == PATIENCE_MS - 100);
    expect(hak_os_counts().purge + hak_os_counts().unmap == calls);
    hak_fake_os_advance(PATIENCE_MS - 100);
    expect(hak_span_purge_excess(PATIENCE_MS) == 0);
    hak_span_check();
    struct hak_span_totals totals = hak_span_totals();
    expect(totals.dirty_bytes <= 8 * MIB && totals.dirty_bytes > 0, "half of the bound");
    expect(totals.free_bytes <= 2 * 16 * MIB, "%zu MiB", totals.free_bytes / MIB);
    hak_fake_os_advance(10000);
    hak_options.dirty_mib = 1; // less than is left
    spans[0] = take(8);
    give(&spans[0]);
    expect(hak_span_purge_excess(PATIENCE_MS) == PATIENCE_MS, "has a time of its own");
}

Test(span_excess, excess_that_is_needed_again_no_longer_waits)
{
    static struct hak_span spans[SPANS];
    hak_span_expect_janitor(true);
    take_all(spans);
    give_all(spans);
    uint32_t rings = hak_bell_rings();
    hak_fake_os_advance(PATIENCE_MS);
    take_all(spans);
    give_all(spans);
    expect(hak_bell_rings() == rings, "the janitor has not looked yet");
    expect(hak_span_purge_excess(PATIENCE_MS) == PATIENCE_MS, "from now on");
    take_all(spans);
    expect(hak_span_purge_excess(PATIENCE_MS) == 0);
    give_all(spans);
    expect(hak_bell_rings() == rings + 1);
}

Test(span_excess, excess_does_not_wait_for_a_janitor_that_does_not_come)
{
    static struct hak_span spans[SPANS];
    hak_span_expect_janitor(true);
    take_all(spans);
    for (unsigned i = 0; i < SPANS / 2; i++)
        give(&spans[i]);
    hak_fake_os_advance(10000);
    for (unsigned i = SPANS / 2; i < SPANS; i++) {
        give(&spans[i]);
        expect(hak_span_totals().dirty_bytes <= 16 * MIB);
    }
}

Test(span_excess, excess_does_not_wait_when_a_chunk_is_to_be_mapped)
{
    static struct hak_span spans[2 * SPANS];
    hak_options.dirty_mib = 4;
    hak_span_expect_janitor(true);
    for (unsigned i = 0; i < 2 * SPANS; i++)
        spans[i] = take(4);
    for (unsigned i = 0; i < 2 * SPANS; i += 2)
        give(&spans[i]);
    uint32_t rings = hak_bell_rings();
    while (hak_span_totals().dirty_bytes > 4 * MIB) {
        size_t chunks = hak_span_totals().chunks;
        (void)take(HAK_SLAB_MAX_GRANULES); // fits into no gap
        expect(hak_span_totals().chunks == chunks || hak_span_totals().dirty_bytes <= 4 * MIB);
    }
    for (unsigned i = 1; i < 2 * SPANS; i += 2)
        give(&spans[i]);
    expect(hak_span_totals().dirty_bytes > 4 * MIB && hak_bell_rings() == rings,
           "the janitor was called before");
}

Test(span_excess, what_waits_goes_when_no_janitor_comes_any_more)
{
    static struct hak_span spans[SPANS];
    hak_span_expect_janitor(true);
    take_all(spans);
    give_all(spans);
    hak_span_expect_janitor(false);
    expect(hak_span_totals().dirty_bytes <= 16 * MIB);
}

Test(span_excess, nothing_waits_without_a_janitor_a_bound_or_purging)
{
    static struct hak_span spans[SPANS];
    take_all(spans);
    give_all(spans);
    expect(hak_span_totals().dirty_bytes <= 16 * MIB);
    hak_span_trim();
    hak_span_expect_janitor(true);
    hak_options.dirty_mib = hak_options.dirty_percent = 0;
    take_all(spans);
    give_all(spans);
    expect(hak_span_totals().dirty_bytes == 0);
    hak_options.dirty_mib = 1;
    hak_fake_os_advance(100000); // nothing given back is regretted
    take_all(spans);
    for (unsigned i = 0; i < 4; i++)
        give(&spans[i]);
    hak_fake_os_fail(0, 1);
    hak_fake_os_advance(PATIENCE_MS);
    expect(hak_span_purge_excess(PATIENCE_MS) == 0);
    uint32_t rings = hak_bell_rings();
    for (unsigned i = 4; i < SPANS; i++)
        give(&spans[i]);
    expect(hak_bell_rings() == rings && hak_span_totals().free_bytes < 32 * MIB, "unmapped");
}
