// Finding slabs to refill from.
#include "hak_option.h"
#include "hak_refill_common.h"

#include <string.h>

struct hak_slab *hak_refill_source(struct hak_remote_owner *owner, unsigned size_class,
                                   bool may_make)
{
    struct hak_slab *slab = owner->slabs.usable[size_class];
    return slab != NULL || !may_make ? slab : hak_slab_new(&owner->slabs, size_class);
}

bool hak_refill_drain(struct hak_remote_owner *owner, unsigned size_class, unsigned want)
{
    owner->undrained_bytes += want * hak_class_stride(size_class);
    bool is_due = hak_options.drain != 0 && owner->undrained_bytes >= (size_t)hak_options.drain;
    bool was_out = owner->slabs.usable[size_class] == NULL;
    if (!is_due && !was_out)
        return false;
    owner->undrained_bytes = 0;
    hak_remote_drain(owner);
    return was_out && owner->slabs.usable[size_class] != NULL;
}

void hak_refill_close_gap(void **slots, unsigned taken, unsigned want)
{
    if (taken < want)
        memmove(slots, slots + (want - taken), taken * sizeof slots[0]);
}

void *hak_refill_one(struct hak_remote_owner *owner, unsigned size_class, bool *ret_zero)
{
    hak_refill_drain(owner, size_class, 1);
    struct hak_slab *slab = hak_refill_source(owner, size_class, true);
    if (slab == NULL)
        return NULL;
    unsigned word = slab->first_word;
    unsigned bit = hak_ctz64(hak_slab_free_bits(slab, word));
    *ret_zero = word * 64 + bit >= slab->fresh_index;
    hak_slab_take(slab, word, (uint64_t)1 << bit);
    return hak_refill_block(slab, word, bit);
}
