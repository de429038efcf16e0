// Sets of a chunk's granules, one bit each.
#ifndef HAK_GRANULE_SET_H
#define HAK_GRANULE_SET_H

#include "hak_class.h"

__extension__ typedef unsigned __int128 hak_granule_set;

enum { HAK_CHUNK_GRANULES = 128 };

static inline hak_granule_set hak_granules_below(unsigned count)
{
    return count == HAK_CHUNK_GRANULES ? ~(hak_granule_set)0 : ((hak_granule_set)1 << count) - 1;
}

static inline unsigned hak_granules_first(hak_granule_set set) // Pre: set != 0
{
    uint64_t low = (uint64_t)set;
    return low != 0 ? hak_ctz64(low) : 64 + hak_ctz64((uint64_t)(set >> 64));
}

// Bit i of the result: `length` free granules begin at i.
static inline hak_granule_set hak_granules_runs(hak_granule_set free, unsigned length)
{
    hak_granule_set runs = free;
    for (unsigned i = 1; i < length && runs != 0; i++)
        runs &= free >> i;
    return runs;
}

static inline unsigned hak_granules_longest_run(hak_granule_set free)
{
    unsigned length = 0;
    for (hak_granule_set runs = free; runs != 0 && length < HAK_SLAB_MAX_GRANULES; length++)
        runs &= free >> (length + 1);
    return length;
}

static inline unsigned hak_granules_count(hak_granule_set set)
{
    return hak_popcount64((uint64_t)set) + hak_popcount64((uint64_t)(set >> 64));
}

static inline size_t hak_granules_bytes(hak_granule_set set)
{
    return (size_t)hak_granules_count(set) * HAK_GRANULE_BYTES;
}

#endif
