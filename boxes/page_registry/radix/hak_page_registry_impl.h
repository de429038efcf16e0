// Two levels: a root with one slot for each 4 GiB, a leaf with one entry for each granule of it.
//
// A root slot is the distance in bytes from the zero leaf, whose entries are all 0.  An untouched
// slot is distance 0, so an address that hakmem never saw reads as "not ours" without a branch and
// without any initialisation.
#ifndef HAK_PAGE_REGISTRY_IMPL_H
#define HAK_PAGE_REGISTRY_IMPL_H

#define HAK_PAGE_REGISTRY_IMPL "radix"

enum {
    HAK_RADIX_LEAF_BITS = 32, // address bits that one leaf covers
    HAK_RADIX_ROOT_SLOTS = 1 << (HAK_ADDRESS_BITS - HAK_RADIX_LEAF_BITS),
    HAK_RADIX_LEAF_ENTRIES = 1 << (HAK_RADIX_LEAF_BITS - HAK_GRANULE_SHIFT),
};

// Entries apart from the colder descriptors: 16 granules share a cache line on the hit path.
struct hak_radix_leaf {
    uint32_t entries[HAK_RADIX_LEAF_ENTRIES];
    void *descriptors[HAK_RADIX_LEAF_ENTRIES];
};

// One object, so that both tables are reached from one address.
struct hak_radix {
    ptrdiff_t root[HAK_RADIX_ROOT_SLOTS];
    uint32_t zero_leaf[HAK_RADIX_LEAF_ENTRIES]; // never written
};

extern HAK_HIDDEN struct hak_radix hak_radix;

// The empty asm statements below keep the compiler from taking a value apart that serves twice, and
// from tracing addresses back to hak_radix, outside of which the leaves lie.

HAK_FAST uintptr_t hak_radix_slot(const void *p)
{
    uintptr_t slot = (uintptr_t)p >> HAK_RADIX_LEAF_BITS;
    __asm__("" : "+r"(slot));
    return slot;
}

HAK_FAST size_t hak_radix_index(const void *p)
{
    uint32_t low = (uint32_t)(uintptr_t)p;
    __asm__("" : "+r"(low));
    return low >> HAK_GRANULE_SHIFT;
}

// Pre: slot < HAK_RADIX_ROOT_SLOTS.
// Plain loads, which the compiler may fold into other instructions: a slot and an entry are written
// before the block exists, and whoever passes `p` to another thread orders that before the look-up.
HAK_FAST struct hak_radix_leaf *hak_radix_leaf(uintptr_t slot)
{
    uintptr_t base = (uintptr_t)&hak_radix;
    __asm__("" : "+r"(base));
    base += (uintptr_t)((const struct hak_radix *)base)->root[slot];
    __asm__("" : "+r"(base));
    return (struct hak_radix_leaf *)(base + offsetof(struct hak_radix, zero_leaf));
}

HAK_FAST uint32_t hak_page_registry_entry(const void *p)
{
    uintptr_t slot = hak_radix_slot(p);
    if (HAK_UNLIKELY(slot >= HAK_RADIX_ROOT_SLOTS))
        return 0;
    return hak_radix_leaf(slot)->entries[hak_radix_index(p)];
}

HAK_FAST size_t hak_page_registry_entry_xor(const void *p, const uint32_t *tag)
{
    uintptr_t slot = hak_radix_slot(p);
    if (HAK_UNLIKELY(slot >= HAK_RADIX_ROOT_SLOTS))
        return SIZE_MAX;
    return hak_radix_leaf(slot)->entries[hak_radix_index(p)] ^ *tag;
}

HAK_FAST void *hak_page_registry_descriptor(const void *p)
{
    return hak_radix_leaf(hak_radix_slot(p))->descriptors[hak_radix_index(p)];
}

#endif
