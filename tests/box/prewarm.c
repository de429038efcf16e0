// Filling the caches of new threads; compiled in every build.
#include "hak_prewarm.h"
#include "heap_tools.h"

TestSuite(prewarm, .init = cold);

static const struct {
    size_t kib;
    unsigned blocks;
} pool_counts[] = {{8, 16}, {12, 16}, {16, 12}, {24, 8}, {32, 8}, {40, 4}, {52, 4}};
enum { POOL_COUNTS = sizeof pool_counts / sizeof pool_counts[0], TINY_COUNT = 16 };

static size_t cached_bytes(const struct hak_heap *heap)
{
    size_t bytes = 0;
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++)
        bytes += cached(heap, size_class) * hak_class_stride(size_class);
    return bytes;
}

Test(prewarm, fills_by_count_and_within_2_mib)
{
    struct hak_heap *heap = hak_heap_get();
    expect(cached_bytes(heap) == 0);
    hak_options.prewarm = 1;
    hak_prewarm(heap);
    hak_heap_check(heap);
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++)
        expect(cached(heap, size_class) == TINY_COUNT, "class %u", size_class);
    for (unsigned i = 0; i < POOL_COUNTS; i++)
        expect(cached(heap, hak_class_of(pool_counts[i].kib * 1024)) == pool_counts[i].blocks,
               "%zu KiB", pool_counts[i].kib);
    expect(cached_bytes(heap) <= 2 * 1024 * 1024 && heap->room.extra_bytes <= 2 * 1024 * 1024,
           "%zu KiB", cached_bytes(heap) / 1024);
    size_t bytes = cached_bytes(heap);
    hak_prewarm(heap);
    expect(cached_bytes(heap) == bytes, "warm enough");
}

Test(prewarm, can_be_off)
{
    struct hak_heap *heap = hak_heap_get();
    hak_prewarm(heap);
    expect(cached_bytes(heap) == 0 && heap->owner.slabs.slabs == 0);
}

Test(prewarm, adaptively_it_follows_recent_threads)
{
    struct hak_heap *heap = hak_heap_get();
    hak_options.prewarm = 2;
    hak_prewarm(heap);
    expect(cached_bytes(heap) == 0, "no thread has ended yet");
    alloc(TINY);
    alloc(20);
    hak_prewarm_learn(heap);
    hak_front_empty(heap);
    hak_prewarm(heap);
    expect(cached(heap, TINY) == TINY_COUNT && cached(heap, 20) == TINY_COUNT);
    expect(cached_bytes(heap) == TINY_COUNT * (hak_class_stride(TINY) + hak_class_stride(20)));
}

Test(prewarm, the_build_option_prewarms_new_threads)
{
    hak_options.prewarm = 1;
    struct hak_heap *heap = hak_heap_get();
    expect((cached_bytes(heap) > 0) == HAK_PREWARM);
}

// Blocks that an adopted heap has in the middle of its slabs are found one by one.
static void *leave_holes(void *ret_heap)
{
    static void *all[HAK_SLAB_MAX_BLOCKS];
    unsigned count = hak_class_blocks(1);
    for (unsigned i = 0; i < count; i++)
        all[i] = alloc(1);
    for (unsigned i = 0; i < count; i += 2) {
        if (!hak_front_push(hak_heap_self, hak_class_bin(1), all[i]))
            hak_front_full(hak_heap_self, 1, all[i]);
    }
    return note_heap(ret_heap);
}

static void *warm_up(void *heap)
{
    expect(hak_heap_get() == heap);
    hak_prewarm(heap);
    hak_heap_check(heap);
    expect(cached(heap, 1) == TINY_COUNT);
    for (unsigned i = 0; i < BLOCKS; i++)
        alloc(1);
    return NULL;
}

Test(prewarm, of_an_adopted_heap)
{
    struct hak_heap *heap;
    run(leave_holes, &heap);
    hak_options.prewarm = 1;
    run(warm_up, heap);
}
