// A note on each block of a slab: with the user or not.  The core's own bits say less: a block in a
// thread cache is not free there.
#include "hak_hardening.h"
#include "hak_random.h"

enum note { FREE, LIVE }; // relaxed: who hands a block on orders the rest

// The slab that `p` points into.  NULL: none.
static struct hak_slab *slab_at(const void *p)
{
    uint32_t entry = hak_page_registry_entry(p);
    return entry != 0 && (entry & HAK_ENTRY_OFFSET_MASK) < HAK_BIN_END ? hak_slab_of(p) : NULL;
}

static _Atomic uint8_t *live_note(struct hak_slab *slab, const void *p, const char *what,
                                  const char *what_if_freed)
{
    unsigned index = hak_slab_index(slab, p);
    if (HAK_UNLIKELY(index == HAK_SLAB_NO_INDEX))
        hak_panic(what, p, "it points into a block, not at its start");
    _Atomic uint8_t *note = hak_slab_note(slab, index);
    if (HAK_UNLIKELY(atomic_load_explicit(note, memory_order_relaxed) != LIVE))
        hak_panic(what_if_freed, p,
                  "it was freed before; run with AddressSanitizer to find who freed it first");
    return note;
}

void hak_hardening_hand_out(void *block)
{
    struct hak_slab *slab = slab_at(block);
    if (slab == NULL)
        return;
    _Atomic uint8_t *note = hak_slab_note(slab, hak_slab_index(slab, block));
    HAK_CHECK(atomic_load_explicit(note, memory_order_relaxed) == FREE);
    atomic_store_explicit(note, LIVE, memory_order_relaxed);
    hak_seal_put_on(block, hak_class_usable(slab->size_class));
}

bool hak_hardening_take_back(void *p, void **ret_block)
{
    struct hak_slab *slab = slab_at(p);
    if (slab == NULL)
        return false;
    _Atomic uint8_t *note = live_note(slab, p, "invalid free of", "double free of");
    size_t bytes = hak_class_usable(slab->size_class);
    hak_seal_take_off(p, bytes);
    atomic_store_explicit(note, FREE, memory_order_relaxed);
    *ret_block = hak_quarantine_swap(p, bytes);
    return true;
}

bool hak_hardening_check(const void *p, const char *what, const char *what_if_freed)
{
    struct hak_slab *slab = slab_at(p);
    return slab != NULL && live_note(slab, p, what, what_if_freed) != NULL;
}

void hak_hardening_shuffle(void **blocks, unsigned count)
{
    for (; count > 1; count--) {
        void **other = blocks + hak_random_below(count);
        void *block = *other;
        *other = blocks[count - 1];
        blocks[count - 1] = block;
    }
}
