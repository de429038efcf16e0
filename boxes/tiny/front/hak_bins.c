#include "hak_bins.h"
#include "hak_meta.h"
#include "hak_option.h"

#include <string.h>

enum {
    ARRAY_ORDERS = 9, // arrays of 64 << order bytes
    GUARDS = 2,       // array[-1] and array[0]
    GROW_AFTER_MISSES = 2,
    TINY_CLASS_BYTES = 128 * 1024, // a class may cache this much
    POOL_CLASS_BYTES = 512 * 1024,
    START_BYTES = 64 * 1024,
    PAIR_MAX_BYTES = 128 * 1024,   // of larger blocks one is cached, of others at least two
    GRANTED_MAX_BYTES = 32 * 1024, // blocks up to this start with room whatever the bound
    LEAST_EXTRA_BYTES = 512 * 1024,
    SHARE = 2,               // the extra may be a half of the used bytes,
    LARGER_GROWTH_SHARE = 4, // a quarter where a bin of blocks above SMALL_BYTES grows
    SMALL_BYTES = 8 * 1024,
    MAX_RELUCTANCE = 6,
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
    return (unsigned)(array_pools[order].bytes / sizeof(void *)) - GUARDS;
}

static unsigned order_for(unsigned slots)
{
    unsigned pointers = slots + GUARDS; // 8 << order are as many at least
    unsigned order = pointers <= 8 ? 0 : (unsigned)HAK_LOG2(pointers - 1) - 2;
    HAK_ASSERT(order < ARRAY_ORDERS);
    return order;
}

static uint16_t clamp(size_t value, unsigned low, unsigned high)
{
    return (uint16_t)(value < low ? low : value > high ? high : value);
}

static unsigned min_slots(unsigned size_class)
{
    return hak_class_stride(size_class) <= PAIR_MAX_BYTES ? 2 : 1;
}

static uint16_t max_slots(unsigned size_class)
{
    size_t bytes = size_class < HAK_TINY_CLASSES ? TINY_CLASS_BYTES : POOL_CLASS_BYTES;
    return clamp(bytes / hak_class_stride(size_class), min_slots(size_class),
                 (unsigned)hak_options.cache_slots - GUARDS);
}

static uint16_t start_slots(unsigned size_class)
{
    unsigned refill = (unsigned)hak_options.refill;
    unsigned most = refill > 2 ? 2 * refill - GUARDS : refill + 1; // refills get half of the array
    return clamp(START_BYTES / hak_class_stride(size_class), min_slots(size_class), most);
}

static void give_array(struct hak_bin *bin)
{
    if (bin->slots > 0)
        hak_meta_give(&array_pools[order_for(bin->slots)], bin->limit - bin->slots - 1);
}

static size_t extra_slots(const struct hak_bin *bin, unsigned slots)
{
    return slots > bin->granted_slots ? slots - bin->granted_slots : 0;
}

// The heap's extra if the bin had room for `slots`.
static size_t extra_with(const struct hak_heap *heap, unsigned size_class, unsigned slots)
{
    const struct hak_bin *bin = &heap->bins[size_class];
    size_t more = extra_slots(bin, slots) - extra_slots(bin, bin->slots);
    return heap->room.extra_bytes + more * hak_class_stride(size_class);
}

// Cached blocks count as used.
static size_t used_bytes(const struct hak_heap *heap)
{
    return heap->owner.slabs.span_bytes - heap->owner.slabs.free_bytes;
}

static size_t extra_bound(const struct hak_heap *heap, size_t share)
{
    size_t most = (size_t)hak_options.cache_kib * 1024;
    size_t bound = used_bytes(heap) / share;
    bound = bound > LEAST_EXTRA_BYTES ? bound : LEAST_EXTRA_BYTES;
    return bound < most ? bound : most;
}

// Whether the class's bin may have room for so many.
static bool may_have(const struct hak_heap *heap, unsigned size_class, unsigned slots)
{
    bool is_first = heap->bins[size_class].slots == 0;
    bool is_small = hak_class_stride(size_class) <= SMALL_BYTES;
    size_t share = is_first || is_small ? SHARE : LARGER_GROWTH_SHARE;
    size_t extra = extra_with(heap, size_class, slots);
    bool is_granted = extra == heap->room.extra_bytes;
    return is_granted || extra <= extra_bound(heap, share);
}

bool hak_bins_resize(struct hak_heap *heap, unsigned size_class, unsigned slots)
{
    struct hak_bin *bin = &heap->bins[size_class];
    unsigned order = order_for(slots);
    void **array = hak_meta_take(&array_pools[order]);
    if (array == NULL)
        return false;
    unsigned cached = hak_bin_cached(bin);
    array[0] = array[1] = NULL;
    if (cached > 0)
        memcpy(array + GUARDS, hak_bin_blocks(bin), cached * sizeof(void *));
    give_array(bin);
    heap->room.extra_bytes = extra_with(heap, size_class, slots);
    bin->limit = array + 1 + slots;
    bin->slots = (uint16_t)slots;
    bin->misses = 0;
    hak_bin_hold(bin, cached);
    return true;
}

// The bins have more room than before.
static void regret(struct hak_room *room)
{
    if (room->given_up_bytes == 0 || room->extra_bytes <= room->given_up_bytes / 2)
        return;
    room->given_up_bytes = 0;
    if (room->reluctance < MAX_RELUCTANCE)
        room->reluctance++;
}

bool hak_bins_adapt(struct hak_heap *heap, unsigned size_class)
{
    struct hak_bin *bin = &heap->bins[size_class];
    if (HAK_UNLIKELY(bin->max_slots == 0)) {
        bool is_granted = hak_class_stride(size_class) <= GRANTED_MAX_BYTES;
        bin->granted_slots = is_granted ? start_slots(size_class) : 0;
        bin->max_slots = max_slots(size_class);
    }
    unsigned slots = bin->slots;
    if (slots >= bin->max_slots || (slots > 0 && ++bin->misses < GROW_AFTER_MISSES))
        return true;
    unsigned wanted = slots > 0 ? array_slots(order_for(slots + 1)) : start_slots(size_class);
    wanted = wanted < bin->max_slots ? wanted : bin->max_slots;
    if (!may_have(heap, size_class, wanted) || !hak_bins_resize(heap, size_class, wanted))
        return slots > 0;
    regret(&heap->room);
    return true;
}

void hak_bins_release(struct hak_heap *heap)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        give_array(bin);
        *bin = (struct hak_bin){0};
    }
    heap->room.extra_bytes = 0;
}

bool hak_bins_are_oversized(const struct hak_heap *heap)
{
    size_t extra = heap->room.extra_bytes;
    return extra > LEAST_EXTRA_BYTES && used_bytes(heap) / 4 * 3 < extra >> heap->room.reluctance;
}

void hak_bins_shrink(struct hak_heap *heap)
{
    struct hak_room *room = &heap->room;
    if (room->extra_bytes <= extra_bound(heap, SHARE))
        return;
    if (room->given_up_bytes != 0 && room->reluctance > 0)
        room->reluctance--; // the last time was no mistake
    room->given_up_bytes = room->extra_bytes;
    hak_bins_release(heap);
}
