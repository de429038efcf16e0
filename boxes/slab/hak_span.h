// The span allocator: runs of granules for slabs of every size, cut from chunks.
//
// A chunk is one mapping of 16 to 128 granules.  Free runs coalesce because they are bits.
//
//   chunk    | g0 | g1 | g2 | g3 | ...                 free: 1 where no span lies
//            |--span A---|    |-span B-- ...           used: 1 where memory may be non-zero
//                                                      present: 1 where it may have pages
//
// Where a caller expects to fill what it takes, and its span is the first in 2 MiB of the chunk to
// have pages, these 2 MiB become a large page: all of its granules are present then, and taken
// before the chunk's others.  It is made small pages before any part of it goes back to the kernel.
//
// Chunks wait in lists by their longest free run, so a request takes the tightest chunk that fits.
// A chunk belongs to the memory node of the thread that mapped it, and serves threads of other
// nodes only when nothing more can be mapped.
#ifndef HAK_SPAN_H
#define HAK_SPAN_H

#include "hak_class.h"

struct hak_chunk;

struct hak_span {
    char *base;
    struct hak_chunk *chunk;
    unsigned granules;
    bool zero;    // the memory reads as zero
    bool present; // all of it may have pages
};

// Takes a span of `granules` <= HAK_SLAB_MAX_GRANULES.  False: no memory.
// `large`: large pages are worth their memory, as this and more will soon be filled.
// Threads: any.  Cost: a lock; kernel calls when a chunk has to be mapped, and before that for what
// exceeds the dirty bound; kernel calls and a page fault, which may take milliseconds, for a large
// page.
bool hak_span_take(unsigned granules, bool large, struct hak_span *ret_span);

// To be called before pages inside the span are given back: no large page reaches into it afterwards.
// Threads: any.
void hak_span_leave_large_pages(const struct hak_span *span);

// Gives a span back.  Beyond the dirty bound (hak_retain.h) the memory that has been free longest
// goes back to the kernel, in batches and with no lock held; or, if a janitor is expected and no more
// than 2 s late, the bell rings for it (hak_bell.h).  Threads: any.
void hak_span_give(const struct hak_span *span);

// Whether somebody hears the bell and calls hak_span_purge_excess.  Threads: any.
void hak_span_expect_janitor(bool comes);

// Gives back what has exceeded the dirty bound for `patience_ms`, down to half of the bound.  Returns
// how many of these are left to wait; 0: none, the bell rings when to call again.  Threads: any.
unsigned hak_span_purge_excess(unsigned patience_ms);

// Gives all free memory back to the kernel.  Returns the bytes.  Threads: any.
size_t hak_span_trim(void);

// Gives free memory back that nobody needed since the last call: to be called every second or so.
// What the dirty bound allows at least is kept, unless `all`.  Threads: any.
void hak_span_tick(bool all);

struct hak_span_totals {
    size_t chunks;
    size_t chunk_bytes; // mapped
    size_t free_bytes;  // of them, in no span
    size_t dirty_bytes; // of those, may have pages
};
struct hak_span_totals hak_span_totals(void);

// Walks all chunks and lists; panics on a broken invariant.
void hak_span_check(void);

#endif
