// The obvious one: everything under one lock.  The reference for tests and measurements.
#include "hak_lock.h"
#include "hak_remote_common.h"

void hak_remote_put(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    _Atomic uint64_t *xword = hak_slab_remote_word(slab, word);
    hak_lock_take(HAK_LOCK_REMOTE);
    uint64_t waiting = atomic_load_explicit(xword, memory_order_relaxed);
    atomic_store_explicit(xword, waiting | bits, memory_order_relaxed);
    if (hak_slab_pin(slab)) {
        struct hak_remote_owner *owner = hak_remote_owner_of(slab);
        slab->inbox_next = atomic_load_explicit(&owner->xinbox, memory_order_relaxed);
        atomic_store_explicit(&owner->xinbox, slab, memory_order_relaxed);
    }
    hak_lock_drop(HAK_LOCK_REMOTE);
    hak_remote_check_put(slab, word, bits, waiting);
}

// Takes the first announced slab and moves its waiting bits to `ret_bits`.  NULL: none is left.
static struct hak_slab *take_slab(struct hak_remote_owner *owner, uint64_t *ret_bits)
{
    hak_lock_take(HAK_LOCK_REMOTE);
    struct hak_slab *slab = atomic_load_explicit(&owner->xinbox, memory_order_relaxed);
    if (slab != NULL) {
        atomic_store_explicit(&owner->xinbox, slab->inbox_next, memory_order_relaxed);
        for (unsigned word = 0; word < slab->words; word++)
            ret_bits[word] = atomic_exchange_explicit(hak_slab_remote_word(slab, word), 0,
                                                      memory_order_relaxed);
        hak_slab_unpin(slab);
    }
    hak_lock_drop(HAK_LOCK_REMOTE);
    return slab;
}

size_t hak_remote_drain(struct hak_remote_owner *owner)
{
    size_t blocks = 0;
    uint64_t bits[HAK_SLAB_MAX_WORDS];
    for (struct hak_slab *slab; (slab = take_slab(owner, bits)) != NULL;) {
        unsigned words = slab->words;
        for (unsigned word = 0; word < words; word++)
            if (bits[word] != 0)
                blocks += hak_remote_take_home(slab, word, bits[word]);
        hak_slab_settle(slab);
    }
    return blocks;
}
