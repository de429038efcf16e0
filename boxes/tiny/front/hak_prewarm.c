// Prewarm counts and what they are chosen by.
#include "hak_front.h"
#include "hak_option.h"
#include "hak_prewarm.h"

enum { TINY_BLOCKS = 16, PREWARM_OFF = 0, PREWARM_ADAPTIVE = 2 };

static const struct {
    uint16_t kib;
    uint16_t blocks;
} pool_counts[] = {{8, 16}, {12, 16}, {16, 12}, {24, 8}, {32, 8}, {40, 4}, {52, 4}};

static _Atomic uint64_t xrecent_classes; // one bit a class, of the thread that ended last

static void warm(struct hak_heap *heap, unsigned size_class, unsigned blocks)
{
    uint64_t recent = atomic_load_explicit(&xrecent_classes, memory_order_relaxed);
    if (hak_options.prewarm != PREWARM_ADAPTIVE || (recent >> size_class & 1) != 0)
        hak_front_warm(heap, size_class, blocks);
}

void hak_prewarm(struct hak_heap *heap)
{
    if (hak_options.prewarm == PREWARM_OFF)
        return;
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++)
        warm(heap, size_class, TINY_BLOCKS);
    for (size_t i = 0; i < sizeof pool_counts / sizeof pool_counts[0]; i++)
        warm(heap, hak_class_of((size_t)pool_counts[i].kib * 1024), pool_counts[i].blocks);
}

void hak_prewarm_learn(const struct hak_heap *heap)
{
    uint64_t used = 0;
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++)
        used |= (uint64_t)(heap->bins[size_class].slots != 0) << size_class;
    atomic_store_explicit(&xrecent_classes, used, memory_order_relaxed);
}
