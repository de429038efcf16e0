// A cold heap for the tests of the thread cache, and its ways in and out.
#ifndef FRONT_TOOLS_H
#define FRONT_TOOLS_H

#include "fake_calls.h"
#include "hak_front.h"
#include "hak_option.h"
#include "small_registry.h"

enum { TINY = 4, POOL = 30, KIB = 1024, MIB = 1024 * KIB };

static struct hak_heap *heap;

static inline void cold_heap(void)
{
    small_registry();
    hak_options.prewarm = 0;
    hak_options.hardening = 0; // refills in ascending order
    heap = hak_heap_get();
    expect(heap != NULL);
}

static inline unsigned class_of(const void *block)
{
    return hak_slab_of(block)->size_class;
}

static inline unsigned cached(const struct hak_bin *bin)
{
    return hak_bin_cached(bin);
}

static inline unsigned capacity(const struct hak_bin *bin)
{
    return bin->slots;
}

// Also when the slab itself has been released.
static inline bool is_in_slab(const void *block)
{
    if (hak_page_registry_entry(block) == 0)
        return true;
    const struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    return (hak_slab_free_bits(slab, index / 64) >> (index % 64) & 1) != 0;
}

static inline void *alloc(unsigned size_class)
{
    bool zero = true;
    void *block = hak_front_alloc(heap, size_class, &zero);
    expect(block != NULL && class_of(block) == size_class && !is_in_slab(block));
    expect((uintptr_t)block % hak_class_alignment(size_class) == 0);
    expect(!zero || is_filled(block, 0, hak_class_usable(size_class)), "not zero");
    return block;
}

static inline void free_block(void *block)
{
    size_t offset = hak_classidx_bin(block, &heap->owner.slabs.tag);
    if (offset >= HAK_BIN_END)
        hak_front_free_remote(heap, class_of(block), block);
    else if (!hak_front_push(heap, offset, block))
        hak_front_full(heap, (unsigned)(offset >> HAK_BIN_SHIFT), block);
}

static unsigned start_slots[HAK_CLASS_COUNT]; // of new bins

static inline void note_start_slots(void)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        hak_front_warm(heap, size_class, 1);
        start_slots[size_class] = capacity(&heap->bins[size_class]);
        expect(start_slots[size_class] >= 1);
        hak_front_empty(heap); // with all of them there would be no room for the largest
    }
    expect(heap->room.extra_bytes == 0);
    hak_slab_trim(&heap->owner.slabs);
}

// The room of bins beyond what those of small blocks start with; and the heap's own figure is
// right.
static inline size_t extra_bytes(void)
{
    size_t bytes = 0;
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        unsigned slots = capacity(&heap->bins[size_class]);
        unsigned granted = hak_class_stride(size_class) > 32 * KIB ? 0 : start_slots[size_class];
        if (slots > granted)
            bytes += (slots - granted) * hak_class_stride(size_class);
    }
    expect(bytes == heap->room.extra_bytes, "%zu, not %zu", heap->room.extra_bytes, bytes);
    return bytes;
}

#endif
