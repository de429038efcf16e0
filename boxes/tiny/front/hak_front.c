// Refill, flush, and the capacity of the bins.
//
// A bin starts with room for twice the refill count, but 64 KiB of blocks at most, and doubles when
// it misses twice, up to a bound in slots and bytes for the class, and one in bytes for the thread
// that follows what its heap has in use.
#include "hak_front.h"
#include "hak_hardening.h"
#include "hak_meta.h"
#include "hak_nursery.h"
#include "hak_option.h"
#include "hak_refill.h"
#include "hak_sweep.h"

#include <string.h>

enum {
    ARRAY_ORDERS = 9, // slot arrays of 64 << order bytes; one slot is base[-1]
    GROW_AFTER_MISSES = 2,
    TINY_CLASS_BYTES = 128 * 1024, // a class may cache this much
    POOL_CLASS_BYTES = 512 * 1024,
    START_BYTES = 64 * 1024,
    PAIR_MAX_BYTES = 128 * 1024,   // of larger blocks one is cached, of others at least two
    GRANTED_MAX_BYTES = 32 * 1024, // blocks up to this start with room whatever the bound
    LEAST_EXTRA_BYTES = 512 * 1024,
};

#define ARRAY_POOL(order)                                                                          \
    {                                                                                              \
        .bytes = (size_t)64 << (order), .link_offset = 0,                                          \
    }
static struct hak_meta_pool array_pools[ARRAY_ORDERS] = {
    ARRAY_POOL(0), ARRAY_POOL(1), ARRAY_POOL(2), ARRAY_POOL(3), ARRAY_POOL(4),
    ARRAY_POOL(5), ARRAY_POOL(6), ARRAY_POOL(7), ARRAY_POOL(8),
};

static unsigned array_slots(unsigned order) // usable ones
{
    return (unsigned)(array_pools[order].bytes / sizeof(void *)) - 1;
}

static unsigned order_for(unsigned slots)
{
    unsigned order = 0;
    while (order < ARRAY_ORDERS - 1 && array_slots(order) < slots)
        order++;
    return order;
}

static unsigned clamp(size_t value, unsigned low, unsigned high)
{
    return value < low ? low : value > high ? high : (unsigned)value;
}

static unsigned capacity(const struct hak_bin *bin)
{
    return (unsigned)(bin->limit - bin->base);
}

static unsigned min_slots(unsigned size_class)
{
    return hak_class_stride(size_class) <= PAIR_MAX_BYTES ? 2 : 1;
}

static unsigned max_slots(unsigned size_class)
{
    size_t bytes = size_class < HAK_TINY_CLASSES ? TINY_CLASS_BYTES : POOL_CLASS_BYTES;
    return clamp(bytes / hak_class_stride(size_class), min_slots(size_class),
                 (unsigned)hak_options.cache_slots - 1);
}

static unsigned start_slots(unsigned size_class)
{
    unsigned refill = (unsigned)hak_options.refill;
    return clamp(START_BYTES / hak_class_stride(size_class), min_slots(size_class),
                 2 * refill); // refills get half
}

static void give_array(struct hak_bin *bin)
{
    if (bin->base != NULL)
        hak_meta_give(&array_pools[order_for(capacity(bin))], bin->base - 1);
}

// What counts against the heap's bound: room beyond what classes of small blocks start with.
static size_t extra_bytes(unsigned size_class, unsigned slots)
{
    size_t stride = hak_class_stride(size_class);
    unsigned granted = stride <= GRANTED_MAX_BYTES ? start_slots(size_class) : 0;
    return slots > granted ? (slots - granted) * stride : 0;
}

// The heap's extra bytes if the bin had room for `slots`.
static size_t extra_with(const struct hak_heap *heap, unsigned size_class, unsigned slots)
{
    return heap->extra_bytes - extra_bytes(size_class, capacity(&heap->bins[size_class])) +
           extra_bytes(size_class, slots);
}

// Half of what the heap's blocks take up, within limits.
static size_t extra_bound(const struct hak_heap *heap)
{
    size_t most = (size_t)hak_options.cache_kib * 1024;
    size_t half = (heap->owner.slabs.span_bytes - heap->owner.slabs.free_bytes) / 2;
    half = half > LEAST_EXTRA_BYTES ? half : LEAST_EXTRA_BYTES;
    return half < most ? half : most;
}

// Moves the bin to an array with room for `slots`.  False: no memory; the bin stays as it was.
static bool resize(struct hak_heap *heap, unsigned size_class, unsigned slots)
{
    struct hak_bin *bin = &heap->bins[size_class];
    unsigned order = order_for(slots);
    void **array = hak_meta_take(&array_pools[order]);
    if (array == NULL)
        return false;
    size_t cached = (size_t)(bin->top - bin->base);
    array[0] = NULL;
    if (cached > 0)
        memcpy(array + 1, bin->base, cached * sizeof(void *));
    give_array(bin);
    heap->extra_bytes = extra_with(heap, size_class, slots);
    bin->base = array + 1;
    bin->top = bin->base + cached;
    bin->limit = bin->base + slots;
    bin->misses = 0;
    return true;
}

// Called at each refill and flush.  False: the bin has no array, and gets none.
static bool adapt(struct hak_heap *heap, unsigned size_class)
{
    struct hak_bin *bin = &heap->bins[size_class];
    if (HAK_UNLIKELY(bin->base == NULL))
        bin->max_slots = max_slots(size_class);
    unsigned slots = capacity(bin);
    if (slots >= bin->max_slots || (slots > 0 && ++bin->misses < GROW_AFTER_MISSES))
        return true;
    unsigned wanted = slots > 0 ? array_slots(order_for(slots + 1)) : start_slots(size_class);
    wanted = wanted < bin->max_slots ? wanted : bin->max_slots;
    bool fits = extra_with(heap, size_class, wanted) <= extra_bound(heap);
    return (fits && resize(heap, size_class, wanted)) || slots > 0;
}

static void check_after(const struct hak_heap *heap)
{
    if (HAK_DEBUG >= 2)
        hak_heap_check(heap);
}

_Noreturn static void double_free(const void *block)
{
    hak_panic("double free of", block,
              "freed twice without an allocation between; run with AddressSanitizer");
}

static void *miss(struct hak_heap *heap, unsigned size_class, bool *ret_zero)
{
    struct hak_bin *bin = &heap->bins[size_class];
    if (HAK_UNLIKELY(bin->top != bin->base)) {
        void *block;
        if (!hak_front_pop(bin, &block))
            double_free(bin->top[-1]);
        return block; // a signal handler came before us and filled the bin
    }
    unsigned taken = 0;
    bool is_first = bin->base == NULL && heap->owner.slabs.usable[size_class] == NULL;
    bool has_room = adapt(heap, size_class);
    if (has_room && is_first)
        taken = hak_nursery_take(size_class, bin->base, (capacity(bin) + 1) / 2);
    if (has_room && taken == 0)
        taken = hak_refill(&heap->owner, size_class, bin->base, (capacity(bin) + 1) / 2);
    if (taken == 0) // no room, a pool class without used blocks, or no memory at all
        return hak_refill_one(&heap->owner, size_class, ret_zero);
    if (HAK_HARDENED && hak_hardening_on()) // the first says it to compilers that do not optimise
        hak_hardening_shuffle(bin->base, taken);
    bin->top = bin->base + taken - 1;
    return *bin->top;
}

void *hak_front_miss(struct hak_heap *heap, unsigned size_class, bool *ret_zero)
{
    *ret_zero = false;
    hak_heap_enter(heap);
    void *block = miss(heap, size_class, ret_zero);
    check_after(heap);
    hak_heap_leave(heap);
    return block;
}

struct hak_slab *hak_front_locate(const void *block, unsigned *ret_index)
{
    uint32_t entry = hak_page_registry_entry(block);
    if (entry == 0 || (entry & HAK_ENTRY_OFFSET_MASK) >= HAK_BIN_END)
        hak_panic("invalid free of", block, "it points into no block; was it freed before?");
    struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    if (index >= slab->blocks)
        hak_panic("invalid free of", block, "it points into a block, not at its start");
    *ret_index = index;
    return slab;
}

enum { AT_ONCE = 8 };

// Whether each of blocks[1] to blocks[AT_ONCE] lies `step` behind the one before.  Without
// branches: the compiler makes vectors of it.
static bool keeps_step(void **blocks, size_t step)
{
    uintptr_t wrong = 0;
    for (unsigned i = 0; i < AT_ONCE; i++)
        wrong |= ((uintptr_t)blocks[i + 1] - (uintptr_t)blocks[i]) ^ step;
    return wrong == 0;
}

// Whether a run of more than AT_ONCE neighbours may begin with blocks[0]: a single comparison.
static bool may_run(void **blocks, unsigned count, size_t stride)
{
    if (count <= AT_ONCE)
        return false;
    size_t distance = (uintptr_t)blocks[AT_ONCE] - (uintptr_t)blocks[0];
    return distance == AT_ONCE * stride || distance == -(AT_ONCE * stride);
}

// How many of `blocks`, from the first on, which has the given index, are neighbours in one bitmap
// word, in ascending or descending order.  `*ret_bits`: theirs in that word.  Pre: count > 1.
static unsigned run_length(const struct hak_slab *slab, unsigned index, void **blocks,
                           unsigned count, uint64_t *ret_bits)
{
    size_t step = (uintptr_t)blocks[1] - (uintptr_t)blocks[0];
    bool up = step == slab->stride;
    unsigned left = slab->blocks - index; // the next slab may follow without a gap
    unsigned room = up ? 64 - index % 64 : index % 64 + 1;
    room = up && left < room ? left : room;
    room = room < count ? room : count;
    unsigned length = 1;
    if (up || step == -(size_t)slab->stride) {
        while (length + AT_ONCE <= room && keeps_step(blocks + length - 1, step))
            length += AT_ONCE;
        while (length < room && (uintptr_t)blocks[length] - (uintptr_t)blocks[length - 1] == step)
            length++;
    }
    unsigned lowest = up ? index : index - (length - 1);
    *ret_bits = hak_bits_below64(length) << (lowest % 64);
    return length;
}

// How many of `blocks`, from the first on, which has the given index, lie in its bitmap word.
// `*ret_bits`: theirs in that word.
static unsigned collect(const struct hak_slab *slab, unsigned index, void **blocks, unsigned count,
                        uint64_t *ret_bits)
{
    unsigned word = index / 64, taken = 0;
    uint64_t bits = 0;
    do {
        uint64_t run_bits = (uint64_t)1 << (index % 64);
        unsigned run = 1;
        if (may_run(blocks + taken, count - taken, slab->stride))
            run = run_length(slab, index, blocks + taken, count - taken, &run_bits);
        if (HAK_UNLIKELY((bits & run_bits) != 0))
            double_free(hak_slab_block(slab, word * 64 + hak_ctz64(bits & run_bits)));
        bits |= run_bits;
        taken += run;
        if (taken == count)
            break;
        index = hak_slab_index(slab, blocks[taken]);
    } while (index / 64 == word && index < slab->blocks);
    *ret_bits = bits;
    return taken;
}

// Returns blocks to their slabs, one operation for consecutive ones in one bitmap word.
static void give_back(struct hak_heap *heap, void **blocks, unsigned count)
{
    for (unsigned i = 0; i < count;) {
        unsigned index;
        uint64_t bits;
        struct hak_slab *slab = hak_front_locate(blocks[i], &index);
        i += collect(slab, index, blocks + i, count - i, &bits);
        if (slab->owner == &heap->owner.slabs) {
            hak_slab_put(slab, index / 64, bits);
            hak_slab_settle(slab);
        } else {
            hak_remote_put(slab, index / 64, bits);
        }
    }
}

static void flush_outbox(struct hak_heap *heap)
{
    give_back(heap, heap->outbox, heap->outbox_count);
    heap->outbox_count = 0;
}

// Returns the oldest `count` blocks of the bin.
static void flush(struct hak_heap *heap, struct hak_bin *bin, unsigned count)
{
    if (count == 0)
        return;
    give_back(heap, bin->base, count);
    size_t kept = (size_t)(bin->top - bin->base) - count;
    memmove(bin->base, bin->base + count, kept * sizeof(void *));
    bin->top = bin->base + kept;
}

static void flush_all(struct hak_heap *heap)
{
    flush_outbox(heap);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        flush(heap, bin, (unsigned)(bin->top - bin->base));
    }
}

// The heap has shrunk: what its bins and slabs hold on to would stay for good if it went idle now.
static void tidy_if_due(struct hak_heap *heap)
{
    if (!hak_sweep_due(&heap->owner.slabs))
        return;
    flush_all(heap);
    if (heap->extra_bytes > extra_bound(heap))
        hak_front_empty(heap); // the bins begin anew, small
    hak_front_tidy(heap);
}

size_t hak_front_tidy(struct hak_heap *heap)
{
    hak_remote_drain(&heap->owner);
    hak_slab_trim(&heap->owner.slabs);
    return hak_sweep(&heap->owner.slabs);
}

void hak_front_full(struct hak_heap *heap, unsigned size_class, void *block)
{
    struct hak_bin *bin = &heap->bins[size_class];
    hak_heap_enter(heap);
    bool has_array = adapt(heap, size_class);
    if (has_array && bin->top == bin->limit)
        flush(heap, bin, (capacity(bin) + 1) / 2);
    tidy_if_due(heap);
    if (!has_array || !hak_front_push(bin, block))
        give_back(heap, &block, 1);
    check_after(heap);
    hak_heap_leave(heap);
}

void hak_front_free_remote(struct hak_heap *heap, unsigned size_class, void *block)
{
    // Only tiny blocks wait: 64 pool blocks would be megabytes.
    bool may_wait = size_class < HAK_TINY_CLASSES;
    if (may_wait && !hak_heap_is_bound(heap))
        heap = hak_heap_for_frees();
    if (!may_wait || !hak_heap_is_bound(heap)) {
        give_back(heap, &block, 1);
        return;
    }
    if (hak_nursery_keep(heap, size_class, block))
        return;
    hak_inside_begin(); // signal handlers' frees wait meanwhile
    heap->outbox[heap->outbox_count] = block;
    atomic_signal_fence(memory_order_release); // what a forked child finds in the outbox is a block
    if (++heap->outbox_count == HAK_OUTBOX_SLOTS) {
        hak_heap_enter(heap);
        flush_outbox(heap);
        hak_heap_leave(heap);
    }
    hak_inside_end();
}

void hak_front_empty(struct hak_heap *heap)
{
    flush_all(heap);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        give_array(bin);
        *bin = (struct hak_bin){0};
    }
    heap->extra_bytes = 0;
    check_after(heap);
}

void hak_front_warm(struct hak_heap *heap, unsigned size_class, unsigned count)
{
    struct hak_bin *bin = &heap->bins[size_class];
    hak_heap_enter(heap);
    if (bin->base == NULL)
        (void)adapt(heap, size_class);
    if (capacity(bin) < count)
        (void)resize(heap, size_class, count);
    bool zero;
    void *block;
    while (bin->top < bin->limit && (size_t)(bin->top - bin->base) < count &&
           (block = hak_refill_one(&heap->owner, size_class, &zero)) != NULL)
        (void)hak_front_push(bin, block);
    check_after(heap);
    hak_heap_leave(heap);
}
