// Heaps: what a thread allocates from.  A thread adopts an idle heap or makes one when it first
// needs it, and gives it back when it ends.  Heaps are never unmapped.
//
//   bin      array[-1]  array[0]  array[1] ...  top[-1] |  top  ...         | limit |     in the bin:
//            NULL       NULL      oldest                |  <- room to free  |       |     newest
//
// The newest block is not in the array, so that what free(p) has written is what malloc reads next:
// where it has to be looked up in the array, a loop of such pairs takes 1.4 times as long.
//
//   INV a block in a bin is marked allocated in its slab
//   INV array <= top <= limit == array + slots; newest is NULL exactly when top is array; a bin that
//       was never used is all zero
//   (A hit that never ended, as exit was called by a signal handler, may leave the last block as newest
//   though top is array.  Once it is taken, top is array - 1: hence array[-1].  When another one is
//   freed first, it is in array[0].  hak_heap_check takes both for mistakes.)
#ifndef HAK_HEAP_H
#define HAK_HEAP_H

#include "hak_classidx.h"
#include "hak_lock.h"
#include "hak_remote_queue.h"

// The thread cache of one size class.
struct hak_bin {
    void *newest; // what malloc returns next
    void **top;   // where that goes when free brings another one
    void **limit;
    uint16_t slots;         // blocks that it has room for
    uint16_t misses;        // refills and flushes since the capacity last changed
    uint16_t max_slots;     // capacity may grow to this; 0 until first used
    uint16_t granted_slots; // those that do not count as the heap's extra; 0 until first used
};
_Static_assert(sizeof(struct hak_bin) == 1 << HAK_BIN_SHIFT, "entries hold bin offsets");

HAK_FAST unsigned hak_bin_cached(const struct hak_bin *bin)
{
    ptrdiff_t room = bin->limit - bin->top;
    return room < bin->slots ? bin->slots - (unsigned)room : 0;
}

// All cached blocks, oldest first.  Pre: the bin has slots.
HAK_FAST void **hak_bin_blocks(struct hak_bin *bin)
{
    *bin->top = bin->newest;
    return bin->limit - bin->slots + 1;
}

// The first `count` of hak_bin_blocks are what the bin caches now.
HAK_FAST void hak_bin_hold(struct hak_bin *bin, unsigned count)
{
    void **array = bin->limit - bin->slots;
    array[0] = NULL; // see above
    bin->top = array + count;
    bin->newest = *bin->top;
}

enum { HAK_OUTBOX_SLOTS = 64 };

// Of all bins of a heap; see hak_bins.h.
struct hak_room {
    size_t extra_bytes;
    size_t given_up_bytes; // when the bins last began anew; 0 since that was a mistake
    unsigned reluctance;   // grows with each mistake
};

enum hak_heap_state {
    HAK_HEAP_IDLE,     // in the idle list, no thread uses it
    HAK_HEAP_BOUND,    // some thread's
    HAK_HEAP_ABANDONED // its thread vanished in the middle of an operation (fork): never used again
};

struct hak_heap {
    struct hak_remote_owner owner; // first: the tag is the first thing that free reads
    _Alignas(HAK_CACHE_LINE_BYTES) struct hak_bin bins[HAK_CLASS_COUNT];
    _Atomic uint32_t xbusy;        // a slow path is under way: what a forked child may not adopt
    struct hak_heap *self_outside; // what hak_heap_self was before
    enum hak_heap_state state;     // under HAK_LOCK_HEAPS
    struct hak_heap *next;         // all heaps
    struct hak_heap *next_idle;
    size_t unswept_bytes;   // free in its slabs when its thread ended, and not yet swept
    bool is_warm;           // empty slabs were kept when its thread ended
    uint64_t unswept_ms;    // since when, both
    unsigned nursery_frees; // that put a block back into its bin
    unsigned slow_events;   // misses, flushes and others, counted by who wants to know
    struct hak_room room;
    unsigned outbox_count;
    void *outbox[HAK_OUTBOX_SLOTS]; // tiny blocks of other owners, on their way to them
};

// The calling thread's heap; HAK_HEAP_NONE before it has one.
extern HAK_HIDDEN _Thread_local struct hak_heap *hak_heap_self;

// A heap whose bins are all empty.  Nothing writes to it, nothing could: it costs no page.
extern HAK_HIDDEN const struct hak_heap hak_heap_none;
#define HAK_HEAP_NONE ((struct hak_heap *)&hak_heap_none)

HAK_FAST bool hak_heap_is_bound(const struct hak_heap *heap)
{
    return heap != &hak_heap_none;
}

// Written out for each field on the hit paths: an address that adds three parts costs nothing in a
// load or store; computed before them it takes an instruction and three cycles.
HAK_FAST struct hak_bin *hak_heap_bin(struct hak_heap *heap, size_t offset)
{
    __asm__("" : "+r"(heap));
    return (struct hak_bin *)((char *)heap->bins + offset);
}

// The adoption boundary, the only one: acquires an idle or new heap, drains what others freed
// meanwhile, binds it to the calling thread.  NULL: no memory.
struct hak_heap *hak_heap_bind(void);

// The calling thread's heap, bound if need be.  NULL: no memory.
HAK_FAST struct hak_heap *hak_heap_get(void)
{
    struct hak_heap *heap = hak_heap_self;
    return HAK_LIKELY(hak_heap_is_bound(heap)) ? heap : hak_heap_bind();
}

// Whether nothing will take the calling thread's heap from it at its end: it is in the last round
// of destructors, and that of hakmem's has run.
bool hak_heap_is_last(void);

// Takes its heap from the calling thread, as at its end.  Pre: it has one.
void hak_heap_end(void);

// A heap for a thread that has none and frees other threads' blocks: its own once it has freed
// some, so that they can wait in an outbox.  HAK_HEAP_NONE for one that has ended, and without
// memory.
struct hak_heap *hak_heap_for_frees(void);

// Marks the heap as being in the middle of a slow path, for hak_heap_after_fork, and hides the
// thread's heap from signal handlers.
HAK_FAST void hak_heap_enter(struct hak_heap *heap)
{
    hak_inside_begin();
    heap->self_outside = hak_heap_self;
    hak_heap_self = HAK_HEAP_NONE;
    atomic_store_explicit(&heap->xbusy, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

HAK_FAST void hak_heap_leave(struct hak_heap *heap)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&heap->xbusy, 0, memory_order_relaxed);
    hak_heap_self = heap->self_outside;
    hak_inside_end();
}

HAK_FAST bool hak_heap_is_busy(const struct hak_heap *heap)
{
    return atomic_load_explicit(&heap->xbusy, memory_order_relaxed) != 0;
}

// How many threads have a heap.  Threads: any; a hint.  The bell (hak_bell.h) rings when the last one
// gives its heap back.
unsigned hak_heaps_bound(void);

// The tag of a new owner of slabs.  0: there are too many.  Threads: any.
uint32_t hak_heap_new_tag(void);

// Brings blocks home to idle heaps, which no thread would drain before it adopts them, and tidies those
// that have been idle for `rest_ms`: the next thread may want their pages and empty slabs.
// Threads: any.
void hak_heap_tidy_idle(uint64_t rest_ms);

// Bytes that idle heaps hold in slabs that were not swept.  Threads: any.
size_t hak_heap_unswept_bytes(void);

// In a forked child, all locks held: the heaps of threads that do not exist here become idle.
void hak_heap_after_fork(void);

// Walks the heap's invariants; panics on a broken one.  Threads: the one it is bound to.
void hak_heap_check(const struct hak_heap *heap);

#endif
