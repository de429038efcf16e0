// glibc's reports and tuning parameters.  Other C libraries do not have these names.
#include "hak_stats.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" // mallinfo

// Blocks in thread caches count as used: nobody counts on the hit paths.
HAK_EXPORT struct mallinfo2 mallinfo2(void)
{
    struct hak_stats stats = hak_stats_read();
    return (struct mallinfo2){
        .arena = stats.chunk_bytes,
        .hblkhd = stats.large_bytes,
        .uordblks = stats.chunk_bytes - stats.free_chunk_bytes,
        .fordblks = stats.free_chunk_bytes,
        .keepcost = stats.free_chunk_bytes,
    };
}

static int saturated(size_t bytes)
{
    return bytes < INT_MAX ? (int)bytes : INT_MAX;
}

HAK_EXPORT struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = saturated(wide.arena),
        .hblkhd = saturated(wide.hblkhd),
        .uordblks = saturated(wide.uordblks),
        .fordblks = saturated(wide.fordblks),
        .keepcost = saturated(wide.keepcost),
    };
}

HAK_EXPORT void malloc_stats(void)
{
    struct hak_stats stats = hak_stats_read();
    fprintf(stderr,
            "hakmem: %zu bytes mapped (at most %zu); chunks %zu, of them free %zu; "
            "%llu memory system calls; refused: %llu by the limit, %llu by the kernel\n",
            stats.mapped_bytes, stats.peak_bytes, stats.chunk_bytes, stats.free_chunk_bytes,
            (unsigned long long)stats.kernel_calls, (unsigned long long)stats.limit_refusals,
            (unsigned long long)stats.kernel_refusals);
}

HAK_EXPORT int malloc_info(int options, FILE *stream)
{
    if (options != 0)
        return EINVAL;
    struct hak_stats stats = hak_stats_read();
    fprintf(stream,
            "<malloc version=\"hakmem-1\">\n"
            "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n"
            "<total type=\"rest\" count=\"0\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n</malloc>\n",
            stats.mapped_bytes, stats.peak_bytes, stats.free_chunk_bytes, stats.mapped_bytes);
    return 0;
}

// glibc's tuning parameters have no counterpart here; accepting them is what callers
// expect.  Values that glibc refuses are refused.
HAK_EXPORT int mallopt(int parameter, int value)
{
    const int max_fast_bytes = 80 * sizeof(size_t) / 4;
    return parameter != M_MXFAST || (value >= 0 && value <= max_fast_bytes);
}

HAK_ALIAS(mallinfo) struct mallinfo __libc_mallinfo(void);
HAK_ALIAS(mallopt) int __libc_mallopt(int parameter, int value);
