// Totals of the allocator, gathered off the hit paths.
#ifndef HAK_STATS_H
#define HAK_STATS_H

#include "hak_base.h"

struct hak_stats {
    size_t mapped_bytes;      // from the kernel, now
    size_t peak_bytes;        // highest mapped_bytes
    size_t chunk_bytes;       // of mapped_bytes, in chunks for tiny and pool blocks
    size_t free_chunk_bytes;  // of chunk_bytes, in no slab
    size_t large_bytes;       // in live large blocks
    uint64_t limit_refusals;  // mappings refused by HAKMEM_LIMIT
    uint64_t kernel_refusals; // and by the kernel
    uint64_t kernel_calls;    // for memory, since the process began
};

// Threads: any.  The figures are read one after the other while others allocate.
struct hak_stats hak_stats_read(void);

#include "hak_stats_impl.h" // counters that boxes keep for themselves: none, so far
_Static_assert(sizeof(HAK_STATS_IMPL) > 1, "an implementation names itself");

#endif
