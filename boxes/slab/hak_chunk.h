// Chunks: the mappings that spans are cut from.  What of them is free, and has pages.
//
// Threads: callers hold HAK_LOCK_SPANS; who holds granules of a chunk may read its base without.
#ifndef HAK_CHUNK_H
#define HAK_CHUNK_H

#include "hak_granule_set.h"
#include "hak_list.h"
#include "hak_span.h"

struct hak_chunk {
    char *base;
    unsigned granules;
    unsigned node;        // of the thread that mapped it
    unsigned longest_run; // of free granules, counted to HAK_SLAB_MAX_GRANULES
    hak_granule_set free; // these three: see hak_span.h
    hak_granule_set used;
    hak_granule_set present;
    unsigned large_pages; // that were got, one bit each
    struct hak_chunk *next, *previous;
    bool queued;              // in the dirty queue,
    struct hak_link in_queue; // by this
};

static inline size_t hak_chunk_bytes(const struct hak_chunk *chunk)
{
    return (size_t)chunk->granules * HAK_GRANULE_BYTES;
}

static inline bool hak_chunk_is_free(const struct hak_chunk *chunk)
{
    return chunk->free == hak_granules_below(chunk->granules);
}

static inline hak_granule_set hak_chunk_dirty(const struct hak_chunk *chunk)
{
    return chunk->free & chunk->present;
}

// Sums over all chunks.
struct hak_span_totals hak_chunk_totals(void);

// Adds a chunk, its sets filled in.
void hak_chunk_add(struct hak_chunk *chunk);
void hak_chunk_remove(struct hak_chunk *chunk);

// The node's chunk whose longest run of free granules is the shortest that is long enough; NULL:
// there is none.
struct hak_chunk *hak_chunk_tightest(unsigned node, unsigned granules);
// A chunk that is wholly free, or NULL.
struct hak_chunk *hak_chunk_wholly_free(void);

// Granules leave the free ones and join them again.
void hak_chunk_occupy(struct hak_chunk *chunk, hak_granule_set granules);
void hak_chunk_vacate(struct hak_chunk *chunk, hak_granule_set granules);

// Occupies the dirty granules of the chunk that has been dirty longest.  NULL: none is dirty.
struct hak_chunk *hak_chunk_claim_dirty(hak_granule_set *ret_granules);

// Walks all chunks; panics on a broken invariant.
void hak_chunk_check(void);

#endif
