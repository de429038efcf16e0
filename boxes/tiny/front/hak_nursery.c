#include "hak_nursery.h"
#include "hak_heap.h"
#include "hak_option.h"
#include "hak_refill.h"
#include "hak_sweep.h"

#include <sched.h>

enum {
    BATCH_BYTES = 512, // several cache lines, so that threads seldom share one
    PATIENCE = 10,     // times that a thread lets others run before it makes a slab of its own
};

static struct hak_remote_owner nursery; // under HAK_LOCK_NURSERY; without a tag until first used

static bool has_tag(void)
{
    if (nursery.slabs.tag == 0)
        nursery.slabs.tag = hak_heap_new_tag();
    return nursery.slabs.tag != 0;
}

// Whoever is inside may have been preempted.
static bool enter(void)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (hak_lock_try(HAK_LOCK_NURSERY))
            return true;
        sched_yield();
    }
    return false;
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
