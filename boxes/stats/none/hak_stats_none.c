#include "hak_large.h"
#include "hak_lock.h"
#include "hak_os_boundary.h"
#include "hak_span.h"
#include "hak_stats.h"

struct hak_stats hak_stats_read(void)
{
    struct hak_os_counts os = hak_os_counts();
    struct hak_span_totals spans = {0}; // unknown to a signal handler that interrupted us
    if (hak_inside == 0)
        spans = hak_span_totals();
    return (struct hak_stats){
        .mapped_bytes = os.mapped_bytes,
        .peak_bytes = os.peak_bytes,
        .chunk_bytes = spans.chunk_bytes,
        .free_chunk_bytes = spans.free_bytes,
        .large_bytes = hak_large_bytes(),
        .limit_refusals = os.limit_refusals,
        .kernel_refusals = os.kernel_refusals,
        .kernel_calls = os.map + os.unmap + os.purge + os.resize + os.place,
    };
}
