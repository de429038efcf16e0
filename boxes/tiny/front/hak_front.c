// Refill and flush.
#include "hak_front.h"
#include "hak_bins.h"
#include "hak_hardening.h"
#include "hak_nursery.h"
#include "hak_refill.h"
#include "hak_sweep.h"

#include <string.h>

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

void hak_front_check_newest(const struct hak_bin *bin, const void *block)
{
    if (bin->newest == block)
        double_free(block);
}

// Half of the bin's array, its two guards included: a power of two mostly, so that refills and
// flushes take whole bitmap words.
static unsigned half(const struct hak_bin *bin)
{
    return bin->slots > 2 ? bin->slots / 2u + 1 : 1;
}

static void *miss(struct hak_heap *heap, unsigned size_class, bool *ret_zero)
{
    struct hak_bin *bin = &heap->bins[size_class];
    void *block;
    if (HAK_UNLIKELY(hak_front_pop(heap, hak_class_bin(size_class), &block)))
        return block; // a signal handler came before us and filled the bin
    unsigned taken = 0;
    bool is_first = bin->slots == 0 && heap->owner.slabs.usable[size_class] == NULL;
    bool has_room = hak_bins_adapt(heap, size_class);
    unsigned want = half(bin);
    void **blocks = has_room ? hak_bin_blocks(bin) : NULL;
    if (has_room && is_first)
        taken = hak_nursery_take(size_class, blocks, want);
    if (has_room && taken == 0)
        taken = hak_refill(&heap->owner, size_class, blocks, want);
    if (taken == 0) // no room, a pool class without used blocks, or no memory at all
        return hak_refill_one(&heap->owner, size_class, ret_zero);
    if (HAK_HARDENED && hak_hardening_on()) // the first says it to compilers that do not optimise
        hak_hardening_shuffle(blocks, taken);
    hak_bin_hold(bin, taken - 1);
    return blocks[taken - 1];
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
    if (index == HAK_SLAB_NO_INDEX)
        hak_panic("invalid free of", block, "it points into a block, not at its start");
    *ret_index = index;
    return slab;
}

enum {
    AT_ONCE = 8,
    GROUP_MOST = 64,   // a run in the middle of a group goes home block by block
    SETTLE_LOOKS = 64, // bounds the time of a release
};

// Whether each of blocks[1] to blocks[AT_ONCE] lies `step` behind the one before.  Without
// branches: the compiler makes vectors of it.
static bool keeps_step(void **blocks, size_t step)
{
    uintptr_t wrong = 0;
    for (unsigned i = 0; i < AT_ONCE; i++)
        wrong |= ((uintptr_t)blocks[i + 1] - (uintptr_t)blocks[i]) ^ step;
    return wrong == 0;
}

// Whether a run of more than AT_ONCE neighbours may begin with blocks[0].  Pre: there are as many.
static bool may_run(void **blocks)
{
    uintptr_t first = (uintptr_t)blocks[0];
    return (uintptr_t)blocks[AT_ONCE] - first == AT_ONCE * ((uintptr_t)blocks[1] - first);
}

// Releases a slab that has become empty.  What is still to be returned to it was freed twice, or is
// no block: a look at the next few finds that while it is still known whose they are.
HAK_COLD static void settle(struct hak_slab *slab, void **rest, unsigned count)
{
    for (unsigned i = 0; i < count && i < SETTLE_LOOKS; i++) {
        if (hak_page_registry_entry(rest[i]) != 0 && hak_slab_of(rest[i]) == slab) {
            (void)hak_front_locate(rest[i], &(unsigned){0});
            double_free(rest[i]);
        }
    }
    hak_slab_settle(slab);
}

// Returns a run of neighbours, in ascending or descending order, from blocks[0] on, as far as they
// lie in one bitmap word.  Returns how many those are, at least one.  Pre: count > 0.
static unsigned give_run(struct hak_heap *heap, void **blocks, unsigned count)
{
    unsigned index;
    struct hak_slab *slab = hak_front_locate(blocks[0], &index);
    size_t step = count > 1 ? (uintptr_t)blocks[1] - (uintptr_t)blocks[0] : 0;
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
    uint64_t bits = hak_bits_below64(length) << (lowest % 64);
    if (slab->owner == &heap->owner.slabs) {
        hak_slab_put(slab, index / 64, bits);
        if (slab->free_blocks == slab->blocks)
            settle(slab, blocks + length, count - length);
    } else {
        hak_remote_put(slab, index / 64, bits);
    }
    return length;
}

// Returns the first few blocks, as far as they lie in one slab of the heap's own.  Returns how many
// those are; none if blocks[0] needs another look.  Pre: count > 0, the heap has a tag.
HAK_FAST unsigned give_own(const struct hak_heap *heap, void **blocks, unsigned count)
{
    if (hak_page_registry_entry_xor(blocks[0], &heap->owner.slabs.tag) >= HAK_BIN_END)
        return 0;
    struct hak_slab *slab = hak_slab_of(blocks[0]);
    unsigned given = hak_slab_put_each(slab, blocks, count < GROUP_MOST ? count : GROUP_MOST);
    if (HAK_UNLIKELY(slab->free_blocks == slab->blocks) && given > 0)
        settle(slab, blocks + given, count - given);
    return given;
}

// Returns blocks to their slabs: at once what lies in one bitmap word as a long run, or as a run of
// another owner's, whom each operation costs more.
static void give_back(struct hak_heap *heap, void **blocks, unsigned count)
{
    unsigned given = AT_ONCE;
    for (unsigned i = 0; i < count;) {
        bool look = given >= AT_ONCE; // fewer in one slab: no run began there
        given = 0;
        if (!look || count - i <= AT_ONCE || !may_run(blocks + i))
            given = give_own(heap, blocks + i, count - i);
        if (given == 0)
            given = give_run(heap, blocks + i, count - i);
        i += given;
    }
}

static void flush_outbox(struct hak_heap *heap)
{
    for (unsigned i = 0; i < heap->outbox_count;)
        i += give_run(heap, heap->outbox + i, heap->outbox_count - i);
    heap->outbox_count = 0;
}

// Returns the oldest `count` blocks of the bin.
static void flush(struct hak_heap *heap, struct hak_bin *bin, unsigned count)
{
    if (count == 0)
        return;
    void **blocks = hak_bin_blocks(bin);
    unsigned kept = hak_bin_cached(bin) - count;
    give_back(heap, blocks, count);
    memmove(blocks, blocks + count, kept * sizeof blocks[0]);
    hak_bin_hold(bin, kept);
}

static void flush_all(struct hak_heap *heap)
{
    flush_outbox(heap);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        flush(heap, bin, hak_bin_cached(bin));
    }
}

// The heap has shrunk: what its bins and slabs hold on to would stay for good if it went idle now.
static void tidy_if_due(struct hak_heap *heap)
{
    if (!hak_sweep_due(&heap->owner.slabs) && !hak_bins_are_oversized(heap))
        return;
    flush_all(heap);
    hak_bins_shrink(heap);
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
    hak_front_check_newest(bin, block);
    bool has_array = hak_bins_adapt(heap, size_class);
    if (has_array && bin->top == bin->limit)
        flush(heap, bin, half(bin));
    tidy_if_due(heap);
    if (!has_array || !hak_front_push(heap, hak_class_bin(size_class), block))
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
        give_run(heap, &block, 1);
        return;
    }
    if (hak_nursery_keep(heap, size_class, block))
        return;
    hak_inside_begin();
    hak_front_outbox_add(heap, block);
    if (heap->outbox_count >= HAK_OUTBOX_SLOTS) {
        hak_heap_enter(heap);
        flush_outbox(heap);
        hak_heap_leave(heap);
    }
    hak_inside_end();
}

void hak_front_empty(struct hak_heap *heap)
{
    flush_all(heap);
    hak_bins_release(heap);
    check_after(heap);
}

void hak_front_warm(struct hak_heap *heap, unsigned size_class, unsigned count)
{
    struct hak_bin *bin = &heap->bins[size_class];
    hak_heap_enter(heap);
    if (bin->slots == 0)
        (void)hak_bins_adapt(heap, size_class);
    if (bin->slots < count)
        (void)hak_bins_resize(heap, size_class, count);
    bool zero;
    void *block;
    while (bin->top < bin->limit && hak_bin_cached(bin) < count &&
           (block = hak_refill_one(&heap->owner, size_class, &zero)) != NULL)
        (void)hak_front_push(heap, hak_class_bin(size_class), block);
    check_after(heap);
    hak_heap_leave(heap);
}
