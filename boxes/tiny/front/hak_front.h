// The thread cache: hit paths inline, refill and flush behind one call.
#ifndef HAK_FRONT_H
#define HAK_FRONT_H

#include "hak_heap.h"
#include "hak_nursery.h"

// In both, who takes over between two of the stores, a forked child or a signal handler that calls
// exit, finds no block twice: at most one is lost, or the last one is there but not counted.

// Takes the newest block out of the bin at `offset`.  False: it is empty.
HAK_FAST bool hak_front_pop(struct hak_heap *heap, size_t offset, void **ret_block)
{
    void *block = hak_heap_bin(heap, offset)->newest;
    if (HAK_UNLIKELY(block == NULL))
        return false;
    void **top = hak_heap_bin(heap, offset)->top - 1;
    void *next = *top;
    hak_heap_bin(heap, offset)->top = top;
    atomic_signal_fence(memory_order_release);
    hak_heap_bin(heap, offset)->newest = next;
    *ret_block = block;
    return true;
}

// Caches a block in the bin at `offset`.  False: it is full, or the block is its newest already.
HAK_FAST bool hak_front_push(struct hak_heap *heap, size_t offset, void *block)
{
    void **top = hak_heap_bin(heap, offset)->top;
    if (HAK_UNLIKELY(top == hak_heap_bin(heap, offset)->limit))
        return false;
    void *before = hak_heap_bin(heap, offset)->newest;
    if (HAK_UNLIKELY(before == block))
        return false;
    *top = before;
    atomic_signal_fence(memory_order_release);
    hak_heap_bin(heap, offset)->newest = block;
    atomic_signal_fence(memory_order_release);
    hak_heap_bin(heap, offset)->top = top + 1;
    return true;
}

// Panics when the block is the bin's newest: it was freed twice, with no allocation between.
void hak_front_check_newest(const struct hak_bin *bin, const void *block);

// A block of the class after hak_front_pop found none: refills the bin.
// `*ret_zero` is set when the block's memory is known to be zero.  NULL: no memory.
// Pre: `heap` is the calling thread's.
void *hak_front_miss(struct hak_heap *heap, unsigned size_class, bool *ret_zero);

// A block of the class, from the bin or after a refill.
HAK_FAST void *hak_front_alloc(struct hak_heap *heap, unsigned size_class, bool *ret_zero)
{
    void *block;
    if (HAK_UNLIKELY(!hak_front_pop(heap, hak_class_bin(size_class), &block)))
        return hak_front_miss(heap, size_class, ret_zero);
    *ret_zero = false;
    return block;
}

// Frees a block of the bin's class after hak_front_push found no room: flushes the older half.
// Errors: panics when the block is the newest already.
// Pre: `heap` is the calling thread's.
void hak_front_full(struct hak_heap *heap, unsigned size_class, void *block);

// Adds a block of another heap's to the outbox.  Pre: there is room; signal handlers' frees wait.
HAK_FAST void hak_front_outbox_add(struct hak_heap *heap, void *block)
{
    unsigned count = heap->outbox_count;
    heap->outbox[count] = block;
    atomic_signal_fence(memory_order_release); // what a forked child finds in the outbox is a block
    heap->outbox_count = count + 1;
}

// Lets a tiny block of another heap's wait in the outbox, all that is to be done for most of them.
// False: it is no such block, or needs a closer look.  `offset`: hak_classidx_bin of it.
HAK_FAST bool hak_front_post(struct hak_heap *heap, size_t offset, void *block)
{
    uint32_t tag = heap->owner.slabs.tag, entry = (uint32_t)offset ^ tag;
    bool is_elsewhere = offset >= HAK_BIN_END && offset <= UINT32_MAX && entry != 0;
    if (!is_elsewhere || (entry & HAK_ENTRY_OFFSET_MASK) >= HAK_TINY_CLASSES << HAK_BIN_SHIFT)
        return false;
    if (!hak_heap_is_bound(heap) || hak_nursery_owns(entry) || hak_inside != 0)
        return false;
    hak_inside_begin_first();
    bool has_room = heap->outbox_count < HAK_OUTBOX_SLOTS - 1; // the last one makes it go home
    if (has_room)
        hak_front_outbox_add(heap, block);
    hak_inside_end_last();
    return has_room;
}

// Frees a block whose slab is another heap's.  `heap` may be HAK_HEAP_NONE.
void hak_front_free_remote(struct hak_heap *heap, unsigned size_class, void *block);

// The slab and index of a block on its way back.  Panics on what is no block of a slab.
struct hak_slab *hak_front_locate(const void *block, unsigned *ret_index);

// Returns everything cached to the slabs and gives the bins' arrays back.
void hak_front_empty(struct hak_heap *heap);

// Takes remote frees home and gives back all memory of the heap's slabs that is not in use: blocks
// in bins are.  Returns the bytes that slabs gave back to the kernel.
size_t hak_front_tidy(struct hak_heap *heap);

// Makes sure that the bin caches at least `count` blocks, as far as capacity and memory allow.
void hak_front_warm(struct hak_heap *heap, unsigned size_class, unsigned count);

#endif
