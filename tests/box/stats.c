// Totals for the frontends.
#include "fake_calls.h"
#include "hak_large.h"
#include "hak_span.h"
#include "hak_stats.h"
#include "small_registry.h"

enum { MIB = 1024 * 1024 };

Test(stats, totals_follow_what_happens)
{
    expect(hak_stats_read().mapped_bytes == 0 && hak_stats_read().kernel_calls == 0);
    struct hak_span span;
    expect(hak_span_take(4, false, &span));
    struct hak_stats stats = hak_stats_read();
    expect(stats.chunk_bytes == MIB && stats.free_chunk_bytes == MIB - 4 * HAK_GRANULE_BYTES);
    expect(stats.mapped_bytes > MIB && stats.peak_bytes == stats.mapped_bytes);
    expect(stats.kernel_calls == kernel_calls() && stats.kernel_calls >= 2);
    hak_span_give(&span);
    expect(hak_span_trim() == MIB);
    struct hak_stats after = hak_stats_read();
    expect(after.chunk_bytes == 0 && after.free_chunk_bytes == 0);
    expect(after.mapped_bytes == stats.mapped_bytes - MIB && after.peak_bytes == stats.peak_bytes);
    expect(after.kernel_calls == stats.kernel_calls + 1);
}

Test(stats, large_blocks_are_counted, .init = small_registry)
{
    bool zero;
    void *p = hak_large_alloc(2 * MIB, 1, &zero), *q = hak_large_alloc(3 * MIB + 1, 1, &zero);
    size_t bytes = hak_large_usable(p) + hak_large_usable(q);
    expect(p != NULL && q != NULL && hak_stats_read().large_bytes == bytes);
    hak_large_free(p);
    expect(hak_stats_read().large_bytes == hak_large_usable(q));
    void *resized = hak_large_resize(q, 7 * MIB);
    expect(resized != NULL || HAK_HARDENED_FULLY);
    q = resized != NULL ? resized : q;
    expect(hak_stats_read().large_bytes == hak_large_usable(q));
    hak_large_free(q);
    expect(hak_stats_read().large_bytes == 0);
}
