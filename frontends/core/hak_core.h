// The allocator, put together: in which order the boxes are asked.  Both frontends are thin shells
// over these functions; a refusal is NULL with errno ENOMEM.
//
//   malloc(n)   bin of n's class, newest block          (hit, inline to 2 KiB)
//               -> refill (drain, slabs, new slab)          n <= 512 KiB
//               -> large (cached mapping, new mapping)      n above
//   free(p)     registry entry ^ own tag is a bin: push                         (hit, inline)
//               -> flush | remote queue | large | NULL | not ours: panic
#ifndef HAK_CORE_H
#define HAK_CORE_H

#include "hak_front.h"

#include <hakmem/hakmem.h>

// The parts behind the hit paths.
void *hak_core_alloc_slow(size_t bytes);
void hak_core_free_slow(void *p, size_t offset); // `offset`: hak_classidx_bin, or SIZE_MAX

// A block of at least `bytes`.  Errors: NULL when there is no memory or bytes > PTRDIFF_MAX.
HAK_FAST void *hak_core_alloc(size_t bytes)
{
    if (HAK_UNLIKELY(bytes > HAK_TINY_MAX_BYTES))
        return hak_core_alloc_slow(bytes);
    void *block;
    return HAK_LIKELY(hak_front_pop(hak_heap_self, hak_tiny_bin(bytes), &block))
               ? block
               : hak_core_alloc_slow(bytes);
}

// Frees a block into the bin at `offset` of the calling thread's heap, if that is one.
// Errors: panics on what is no live block.
HAK_FAST void hak_core_free_into(struct hak_heap *heap, size_t offset, void *p)
{
    if (HAK_UNLIKELY(offset >= HAK_BIN_END || HAK_DEBUG) ||
        HAK_UNLIKELY(!hak_front_push(heap, offset, p)))
        hak_core_free_slow(p, offset);
}

// Frees a block.  Errors: panics on what is no live block.
HAK_FAST void hak_core_free(void *p)
{
    struct hak_heap *heap = hak_heap_self;
    hak_core_free_into(heap, hak_classidx_bin(p, &heap->owner.slabs.tag), p);
}

// As hak_core_alloc, zeroed.
void *hak_core_calloc(size_t count, size_t bytes);

// As hak_core_alloc, at a multiple of `alignment`, a power of two.
void *hak_core_aligned(size_t alignment, size_t bytes);

// Whether a block of `usable` bytes may serve a request of `bytes` without moving: it holds them,
// and not more than half of it is wasted.
HAK_FAST bool hak_core_may_stay(size_t usable, size_t bytes)
{
    return bytes <= usable && (bytes >= usable / 2 || usable <= 64);
}

// Resizes a live block.  NULL: no memory; the block is as it was.  Pre: p != NULL, bytes > 0.
void *hak_core_realloc(void *p, size_t bytes);

// Bytes that may be used at `p`.  0 for NULL and for what is no live block.
size_t hak_core_usable(const void *p);

// The usable size a request gets.
size_t hak_core_good_size(size_t bytes);

// Why the last request that was refused was refused, in any thread.
enum hak_refusal hak_core_last_refusal(void);

// Gives memory that nobody uses back to the kernel.  Returns the bytes.
size_t hak_core_trim(void);

#endif
