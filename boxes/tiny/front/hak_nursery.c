#include "hak_nursery.h"
#include "hak_front.h"
#include "hak_option.h"
#include "hak_refill.h"
#include "hak_sweep.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 512, // several cache lines, so that threads seldom share one
    PATIENCE = 10,     // times that a thread lets others run before it makes a slab of its own
    KEPT_FREES = 256,  // each is a slow path
};

_Atomic uint32_t hak_nursery_xtag;

static struct hak_remote_owner nursery; // under HAK_LOCK_NURSERY; without a tag until first used

static bool has_tag(void)
{
    if (nursery.slabs.tag == 0) {
        nursery.slabs.tag = hak_heap_new_tag();
        atomic_store_explicit(&hak_nursery_xtag, nursery.slabs.tag, memory_order_relaxed);
    }
    return nursery.slabs.tag != 0;
}

// Whoever is inside may have been preempted.
static bool enter(void)
{
    int saved_errno = errno;
    bool entered = hak_lock_try(HAK_LOCK_NURSERY);
    for (unsigned i = 0; !entered && i < PATIENCE; i++) {
        syscall(SYS_sched_yield);
        entered = hak_lock_try(HAK_LOCK_NURSERY);
    }
    errno = saved_errno;
    return entered;
}

static void leave(void)
{
    if (HAK_DEBUG)
        hak_slab_owner_check(&nursery.slabs);
    hak_lock_drop(HAK_LOCK_NURSERY);
}

unsigned hak_nursery_take(unsigned size_class, void **slots, unsigned want)
{
    if (size_class >= HAK_TINY_CLASSES || hak_options.nursery == 0 ||
        hak_heaps_bound() < hak_options.nursery)
        return 0;
    if (!enter())
        return 0;
    unsigned most = (unsigned)(BATCH_BYTES / hak_class_stride(size_class));
    most = most > 0 ? most : 1;
    unsigned taken = 0;
    if (has_tag())
        taken = hak_refill(&nursery, size_class, slots, want < most ? want : most);
    leave();
    return taken;
}

bool hak_nursery_keep(struct hak_heap *heap, unsigned size_class, void *block)
{
    struct hak_bin *bin = &heap->bins[size_class];
    bool needs_little = heap->owner.slabs.usable[size_class] == NULL;
    if (bin->slots == 0 || !needs_little || heap->nursery_frees >= KEPT_FREES)
        return false;
    const struct hak_slab *slab = hak_slab_of(block);
    if (slab->owner != &nursery.slabs || hak_slab_index(slab, block) == HAK_SLAB_NO_INDEX)
        return false;
    hak_front_check_newest(bin, block);
    heap->nursery_frees++;
    hak_heap_enter(heap);
    bool kept = hak_front_push(heap, hak_class_bin(size_class), block);
    if (HAK_DEBUG >= 2)
        hak_heap_check(heap);
    hak_heap_leave(heap);
    return kept;
}

void hak_nursery_drain(void)
{
    if (!hak_remote_pending(&nursery) || !hak_lock_try(HAK_LOCK_NURSERY))
        return;
    hak_remote_drain(&nursery);
    leave();
}

size_t hak_nursery_tidy(void)
{
    if (!hak_lock_try(HAK_LOCK_NURSERY))
        return 0;
    hak_remote_drain(&nursery);
    hak_slab_trim(&nursery.slabs);
    size_t bytes = hak_sweep(&nursery.slabs);
    leave();
    return bytes;
}
