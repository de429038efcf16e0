// Finding slabs to refill from.
#include "hak_option.h"
#include "hak_refill_common.h"

#include <string.h>

static bool has_free_blocks(const struct hak_slab *slab, unsigned count)
{
    unsigned free = 0;
    for (; slab != NULL && free < count; slab = slab->next)
        free += slab->free_blocks;
    return free >= count;
}

// Before a refill of `want` blocks: brings remote frees home if the class has no free block, or
// refills have taken HAKMEM_DRAIN bytes since this last did.  (Each drain takes cache lines
// from the threads that free; where as much comes back as is taken, that much waits.)  A class
// whose blocks all came home just now, fewer than half a refill, gets a slab beside: else it would
// drain at each refill, slabs that others are freeing to at that moment.
static void drain(struct hak_remote_owner *owner, unsigned size_class, unsigned want)
{
    bool is_due = hak_options.drain != 0 && owner->undrained_bytes >= (size_t)hak_options.drain;
    struct hak_slab *const *usable = &owner->slabs.usable[size_class];
    bool was_out = *usable == NULL;
    if (!is_due && !was_out)
        return;
    owner->undrained_bytes = 0;
    hak_remote_drain(owner);
    if (was_out && *usable != NULL && size_class < HAK_TINY_CLASSES &&
        !has_free_blocks(*usable, want / 2))
        (void)hak_slab_new(&owner->slabs, size_class); // without memory it does with what it has
}

// Blocks that came home lie in the cache of the thread that freed them, and are fetched as they are
// taken.  Of more than these, a processor fetches some only when the program writes to them.
enum { FETCHED_MOST = 128 };

struct hak_slab *hak_refill_source(struct hak_remote_owner *owner, unsigned size_class,
                                   unsigned taken, unsigned want, unsigned *ret_room)
{
    struct hak_slab *slab = owner->slabs.usable[size_class];
    if (slab == NULL && taken == 0)
        slab = hak_slab_new(&owner->slabs, size_class);
    if (slab != NULL && slab->came_home > 0 && want > FETCHED_MOST)
        want = FETCHED_MOST;
    *ret_room = want > taken ? want - taken : 0;
    return *ret_room > 0 ? slab : NULL;
}

unsigned hak_refill(struct hak_remote_owner *owner, unsigned size_class, void **slots,
                    unsigned want)
{
    drain(owner, size_class, want);
    unsigned taken = hak_refill_take(owner, size_class, slots, want);
    owner->undrained_bytes += taken * hak_class_stride(size_class);
    if (taken < want)
        memmove(slots, slots + (want - taken), taken * sizeof slots[0]);
    return taken;
}

void *hak_refill_one(struct hak_remote_owner *owner, unsigned size_class, bool *ret_zero)
{
    drain(owner, size_class, 1);
    unsigned room;
    struct hak_slab *slab = hak_refill_source(owner, size_class, 0, 1, &room);
    if (slab == NULL)
        return NULL;
    owner->undrained_bytes += slab->stride;
    unsigned word = slab->first_word;
    unsigned bit = hak_ctz64(hak_slab_free_bits(slab, word));
    *ret_zero = word * 64 + bit >= slab->fresh_index;
    void *block = hak_refill_block(slab, word, bit);
    hak_slab_take(slab, word, (uint64_t)1 << bit);
    return block;
}
