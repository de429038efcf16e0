// Behind the hit paths: which box serves what.
#include "hak_bigcache.h"
#include "hak_core.h"
#include "hak_emergency.h"
#include "hak_large.h"
#include "hak_nursery.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_pool.h"
#include "hak_upkeep.h"

#include <errno.h>
#include <string.h>

// Nothing else refers to hak_process.o: this takes it along into static links.
extern const char hak_process_linked;
__attribute__((used)) static const char *const take_process_along = &hak_process_linked;

// What `p` is, by its registry entry.
enum kind { NOT_OURS, SLAB_BLOCK, LARGE_BLOCK };

static enum kind kind_of(uint32_t entry)
{
    if (entry == 0)
        return NOT_OURS;
    return (entry & HAK_ENTRY_OFFSET_MASK) < HAK_BIN_END ? SLAB_BLOCK : LARGE_BLOCK;
}

static _Atomic unsigned xlast_refusal; // enum hak_refusal; relaxed: it orders nothing

enum hak_refusal hak_core_last_refusal(void)
{
    return (enum hak_refusal)atomic_load_explicit(&xlast_refusal, memory_order_relaxed);
}

HAK_COLD static void *refuse(enum hak_refusal why)
{
    atomic_store_explicit(&xlast_refusal, why, memory_order_relaxed);
    errno = ENOMEM;
    return NULL;
}

// `alignment` above 1 asks for a large block.
static void *try_alloc(size_t bytes, size_t alignment, bool *ret_zero)
{
    *ret_zero = false;
    if (HAK_UNLIKELY(hak_inside != 0))
        return hak_emergency_alloc(bytes, alignment);
    if (HAK_UNLIKELY(alignment > 1 || !hak_pool_holds(bytes)))
        return hak_large_alloc(bytes, alignment, ret_zero);
    struct hak_heap *heap = hak_heap_get();
    // Tiny requests come here too, from empty bins.
    return heap != NULL ? hak_pool_alloc(heap, bytes, ret_zero) : NULL;
}

// The last resort before ENOMEM: gives back what is kept for later, and tries once more.
static void *alloc(size_t bytes, size_t alignment, bool *ret_zero)
{
    void *block = try_alloc(bytes, alignment, ret_zero);
    if (HAK_LIKELY(block != NULL))
        return block;
    if (bytes > PTRDIFF_MAX)
        return refuse(HAK_REFUSAL_SIZE);
    if (hak_core_trim() > 0)
        block = try_alloc(bytes, alignment, ret_zero);
    if (block != NULL)
        return block;
    return refuse(hak_os_limit_refused_last() ? HAK_REFUSAL_LIMIT : HAK_REFUSAL_KERNEL);
}

static void free_slow(void *p);

// What every slow path does when it is done, unless it is that of a signal handler inside another.
// `allocating`: in malloc itself; glibc callocs for threads that it is about to create.
static void end_slow(bool allocating)
{
    if (HAK_UNLIKELY(hak_inside != 0))
        return;
    hak_emergency_run_deferred(free_slow);
    if (HAK_UNLIKELY(hak_heap_is_last()) && hak_heap_is_bound(hak_heap_self))
        hak_heap_end();
    hak_upkeep_event(hak_heap_self, allocating);
}

// Not inline: the short ways past it would save its registers.
__attribute__((noinline)) static void *alloc_miss(size_t bytes)
{
    bool zero;
    void *block = alloc(bytes, 1, &zero);
    end_slow(true);
    return block;
}

void *hak_core_alloc_slow(size_t bytes)
{
    void *block;
    bool hit = bytes > HAK_TINY_MAX_BYTES && hak_pool_pop(hak_heap_self, bytes, &block);
    return hit ? block : alloc_miss(bytes);
}

__attribute__((noinline)) static void *calloc_miss(size_t bytes)
{
    bool zero;
    void *block = alloc(bytes, 1, &zero);
    if (block != NULL && !zero) {
        if (kind_of(hak_page_registry_entry(block)) == LARGE_BLOCK) // emergency memory is not
            hak_large_clear(block, bytes);
        else
            memset(block, 0, bytes);
    }
    end_slow(false);
    return block;
}

void *hak_core_calloc(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return refuse(HAK_REFUSAL_SIZE);
    void *block;
    bool hit = total <= HAK_TINY_MAX_BYTES
                   ? hak_front_pop(hak_heap_self, hak_tiny_bin(total), &block)
                   : hak_pool_pop(hak_heap_self, total, &block);
    return hit ? memset(block, 0, total) : calloc_miss(total);
}

HAK_COLD static void free_foreign(void *p)
{
    static _Atomic bool xsaid;
    if (hak_emergency_free(p))
        return;
    if (hak_options.foreign_free)
        hak_panic(
            "invalid free of", p,
            "it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0 ignores it");
    if (!atomic_exchange_explicit(&xsaid, true, memory_order_relaxed))
        hak_warn("ignores the free of a pointer that is not its own;", "said once");
}

// In debug builds a double free in the cache and a pointer into a block are seen at once, not when
// the bin is flushed.  Returns false when the bin is full.
static bool push_checked(struct hak_heap *heap, size_t offset, void *p)
{
    struct hak_bin *bin = hak_heap_bin(heap, offset);
    hak_heap_enter(heap);
    const struct hak_slab *slab = hak_slab_of(p);
    if (hak_slab_index(slab, p) == HAK_SLAB_NO_INDEX)
        hak_panic("invalid free of", p, "it points into a block, not at its start");
    void **blocks = bin->slots > 0 ? hak_bin_blocks(bin) : NULL;
    for (unsigned i = 0; i < hak_bin_cached(bin); i++) {
        if (blocks[i] == p)
            hak_panic("double free of", p, "it is in the thread's cache already");
    }
    if (HAK_DEBUG >= 3)
        hak_heap_check(heap);
    bool pushed = hak_front_push(heap, offset, p);
    hak_heap_leave(heap);
    return pushed;
}

static void free_slow(void *p)
{
    uint32_t entry = hak_page_registry_entry(p);
    enum kind kind = kind_of(entry);
    if (HAK_UNLIKELY(kind == NOT_OURS)) {
        free_foreign(p);
        return;
    }
    if (HAK_UNLIKELY(hak_inside != 0)) {
        hak_emergency_defer(p);
        return;
    }
    if (kind == LARGE_BLOCK) {
        hak_large_free(p);
        return;
    }
    struct hak_heap *heap = hak_heap_self;
    unsigned size_class = (entry & HAK_ENTRY_OFFSET_MASK) >> HAK_BIN_SHIFT;
    // Whatever the class index box lets into the caller's cache; the rest is somebody else's.
    size_t offset = hak_classidx_bin(p, &heap->owner.slabs.tag);
    if (!hak_heap_is_bound(heap) || offset >= HAK_BIN_END) {
        hak_front_free_remote(heap, size_class, p);
        return;
    }
    if (!HAK_DEBUG || !push_checked(heap, offset, p))
        hak_front_full(heap, (unsigned)(offset >> HAK_BIN_SHIFT), p);
}

// Not inline: see alloc_miss.
__attribute__((noinline)) static void free_miss(void *p)
{
    free_slow(p);
    end_slow(false);
}

void hak_core_free_slow(void *p, size_t offset)
{
    // A remote free mostly just waits: all that free_slow and end_slow ask is wasted on it.
    if (p != NULL && !hak_front_post(hak_heap_self, offset, p))
        free_miss(p);
}

// Not inline: see alloc_miss.
__attribute__((noinline)) static void *aligned_slow(size_t alignment, size_t bytes)
{
    bool zero;
    if (alignment > PTRDIFF_MAX || bytes > PTRDIFF_MAX - alignment)
        return refuse(HAK_REFUSAL_SIZE);
    void *block = alloc(bytes > 0 ? bytes : 1, alignment, &zero);
    end_slow(false);
    return block;
}

void *hak_core_aligned(size_t alignment, size_t bytes)
{
    if (alignment > HAK_GRANULE_BYTES || !hak_pool_holds(bytes) || hak_inside != 0)
        return aligned_slow(alignment, bytes);
    return hak_core_alloc(hak_class_aligned_request(bytes, alignment));
}

static size_t usable_of(const void *p, uint32_t entry)
{
    switch (kind_of(entry)) {
    case SLAB_BLOCK:
        return hak_class_usable((entry & HAK_ENTRY_OFFSET_MASK) >> HAK_BIN_SHIFT);
    case LARGE_BLOCK:
        return hak_large_usable(p);
    case NOT_OURS:
        break;
    }
    return hak_emergency_usable(p);
}

size_t hak_core_usable(const void *p)
{
    return usable_of(p, p != NULL ? hak_page_registry_entry(p) : 0);
}

_Noreturn static void realloc_of_freed(const void *p)
{
    hak_panic("invalid realloc of", p,
              "it was freed before; run with AddressSanitizer to find who freed it first");
}

// The usable bytes of a block that is about to be resized.  Panics on what is no live block, as far
// as one look into the caller's cache can tell.
static size_t live_usable(const void *p, uint32_t entry)
{
    if (HAK_UNLIKELY(kind_of(entry) != SLAB_BLOCK)) {
        size_t usable = usable_of(p, entry);
        if (usable == 0)
            hak_panic("invalid realloc of", p, "it is no live block of hakmem's");
        return usable;
    }
    const struct hak_slab *slab = hak_slab_of(p);
    unsigned index = hak_slab_index(slab, p);
    if (HAK_UNLIKELY(index == HAK_SLAB_NO_INDEX))
        hak_panic("invalid realloc of", p, "it points into a block, not at its start");
    if (slab->owner == &hak_heap_self->owner.slabs && HAK_UNLIKELY(hak_slab_is_free(slab, index)))
        realloc_of_freed(p);
    if (HAK_UNLIKELY(hak_heap_bin(hak_heap_self, entry & HAK_ENTRY_OFFSET_MASK)->newest == p))
        realloc_of_freed(p);
    return hak_slab_usable(slab);
}

// What to ask for when a block of `usable` bytes is to have `bytes`.  One of the pool that grows by
// less than a quarter, as a list does that grows by an eighth, would be copied into every class on
// its way, and leave a block with pages in each.
static size_t with_room(size_t usable, size_t bytes)
{
    size_t roomy = usable + usable / 4;
    bool grows_slowly = usable > HAK_TINY_MAX_BYTES && bytes > usable && bytes < roomy;
    return grows_slowly && roomy <= HAK_POOL_MAX_BYTES ? roomy : bytes;
}

void *hak_core_realloc(void *p, size_t bytes)
{
    uint32_t entry = hak_page_registry_entry(p);
    size_t usable = live_usable(p, entry);
    if (hak_core_may_stay(usable, bytes))
        return p;
    if (kind_of(entry) == LARGE_BLOCK && bytes > HAK_POOL_MAX_BYTES && hak_inside == 0) {
        void *moved = hak_large_resize(p, bytes);
        if (moved != NULL)
            return moved;
    }
    size_t wanted = with_room(usable, bytes);
    int saved_errno = errno;
    void *block = hak_core_alloc(wanted);
    if (block == NULL && wanted > bytes) {
        errno = saved_errno; // nobody asked for that much
        block = hak_core_alloc(bytes);
    }
    if (block == NULL)
        return NULL;
    memcpy(block, p, bytes < usable ? bytes : usable);
    struct hak_heap *heap = hak_heap_self;
    hak_core_free_into(heap, entry ^ heap->owner.slabs.tag, p);
    return block;
}

size_t hak_core_good_size(size_t bytes)
{
    if (hak_pool_holds(bytes))
        return hak_class_usable(hak_class_of(bytes));
    size_t large_bytes = hak_large_mapping_bytes(bytes);
    return large_bytes != 0 ? large_bytes : bytes;
}

size_t hak_core_trim(void)
{
    size_t trimmed = 0;
    struct hak_heap *heap = hak_heap_self;
    if (hak_inside != 0)
        return 0;
    if (hak_heap_is_bound(heap)) {
        hak_heap_enter(heap);
        hak_front_empty(heap);
        trimmed = hak_front_tidy(heap);
        hak_heap_leave(heap);
    }
    hak_heap_tidy_idle(0);
    trimmed += hak_nursery_tidy();
    return trimmed + hak_bigcache_trim() + hak_span_trim();
}
