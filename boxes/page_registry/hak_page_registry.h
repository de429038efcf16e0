// Address -> what it belongs to, for every address a process may pass, foreign ones included.
//
// The unit is the granule (64 KiB).  A granule of a slab, and the first granule of a large block,
// carries an entry and a descriptor; all others read as 0 and NULL.
//
//   entry, 32 bits:  | owner, 21 bits | bin offset, 11 bits |
//
// `owner` is the heap's number, from 1; 0 is nobody.  `bin offset` is size class * 32, the place of
// the class's bin in a heap, so that free needs no multiplication; offsets past the last class mark
// granules that are no slab's.  The registry stores entries and gives them no meaning.
#ifndef HAK_PAGE_REGISTRY_H
#define HAK_PAGE_REGISTRY_H

#include "hak_base.h"

enum {
    HAK_ENTRY_OWNER_SHIFT = 11,
    HAK_ENTRY_OWNERS = 1 << 21,
    HAK_ENTRY_OFFSET_MASK = (1 << HAK_ENTRY_OWNER_SHIFT) - 1,
#if defined(__x86_64__)
    HAK_ADDRESS_BITS = 47, // user addresses; more only when asked for, which hakmem never does
#else
    HAK_ADDRESS_BITS = 48,
#endif
};

// Entry for the granule that holds `p`, or 0 when nothing was recorded.
// Threads: any, wait-free.  Cost: two dependent loads at most.  `p` is never followed.
HAK_FAST uint32_t hak_page_registry_entry(const void *p);

// The same, exclusive-ored with `*tag`; SIZE_MAX for addresses out of the table's reach.  What
// free asks, in the form that costs least.
HAK_FAST size_t hak_page_registry_entry_xor(const void *p, const uint32_t *tag);

#define HAK_PAGE_REGISTRY_NO_ANCHOR ((uintptr_t)1 << 63) // near nothing that a user may pass

// Address of the first granule ever recorded; the kernel places the others around it.
extern HAK_HIDDEN uintptr_t hak_page_registry_anchor;

// Whether `p` lies in the anchor's TiB: a first look at a stray pointer that costs less than its
// entry.  What is near may be anything; what is not is hardly ever hakmem's.
HAK_FAST bool hak_page_registry_near(const void *p)
{
    uintptr_t apart = (uintptr_t)p ^ hak_page_registry_anchor;
    return apart >> 40 == 0;
}

// Descriptor recorded with the entry.  Pre: hak_page_registry_entry(p) != 0.
HAK_FAST void *hak_page_registry_descriptor(const void *p);

// Records `entry` and `descriptor` for `granules` granules from the one that holds `start`.
// Pre: entry != 0; nothing recorded there yet.
// Returns: false when there is no memory for the table or the address is out of its reach; nothing
// is recorded then.  Threads: one writer a range.
bool hak_page_registry_add(const void *start, size_t granules, uint32_t entry, void *descriptor);

// Forgets what hak_page_registry_add recorded.  Threads: one writer a range.
void hak_page_registry_remove(const void *start, size_t granules);

#include "hak_page_registry_impl.h" // the folder chosen by -Dpage_registry=...
_Static_assert(sizeof(HAK_PAGE_REGISTRY_IMPL) > 1, "an implementation names itself");

#endif
