// Memory for hakmem's own objects: descriptors, heaps, cache arrays.  Kept apart from user blocks,
// zeroed when first handed out, never unmapped.
//
// A pool hands out objects of one size.  Memory of a pool stays in that pool for good: an object is
// never reused as something else, so a late atomic access to a freed descriptor hits a descriptor.
#ifndef HAK_META_H
#define HAK_META_H

#include "hak_base.h"

struct hak_meta_pool {
    size_t bytes; // of one object, a multiple of 64
    void *free;   // freed objects, linked through `link_offset`
    size_t link_offset;
};

// `bytes` of zeroed memory at a cache line, for good.  NULL when the kernel gives none.
// Pre: 0 < bytes <= 64 KiB.  Threads: any.  Cost: one kernel call for every 256 KiB.
void *hak_meta_alloc(size_t bytes);

// An object of the pool: freed (contents as the last user left them, link word aside) or zeroed.
void *hak_meta_take(struct hak_meta_pool *pool);

// Gives an object back to its pool.
void hak_meta_give(struct hak_meta_pool *pool, void *object);

#endif
