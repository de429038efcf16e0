// Two levels: a root with one slot for each 4 GiB, a leaf with one entry for each granule of it.
//
// Most processes have all their blocks in the first leaf that was made, its home: found without the
// root, whose slot would be one more load that each free waits for.
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

struct hak_radix_home {
    // Above all others while there is no home.
    _Alignas(HAK_CACHE_LINE_BYTES) uintptr_t first_granule;
    struct hak_radix_leaf *leaf;
};
extern HAK_HIDDEN struct hak_radix_home hak_radix_home;

// The empty asm statements below keep the compiler from computing parts of the way by the root where
// the way by the home needs them too, and from tracing addresses back to hak_radix, outside of which
// the leaves lie.

HAK_FAST uintptr_t hak_radix_slot(const void *p)
{
    uintptr_t slot = (uintptr_t)p >> HAK_RADIX_LEAF_BITS;
    __asm__("" : "+r"(slot));
    return slot;
}

HAK_FAST size_t hak_radix_index(const void *p)
{
    uintptr_t address = (uintptr_t)p;
    __asm__("" : "+r"(address));
    return (address >> HAK_GRANULE_SHIFT) % HAK_RADIX_LEAF_ENTRIES;
}

// Pre: slot < HAK_RADIX_ROOT_SLOTS.
HAK_FAST struct hak_radix_leaf *hak_radix_leaf(uintptr_t slot)
{
    uintptr_t base = (uintptr_t)&hak_radix;
    __asm__("" : "+r"(base));
    base += (uintptr_t)((const struct hak_radix *)base)->root[slot];
    __asm__("" : "+r"(base));
    return (struct hak_radix_leaf *)(base + offsetof(struct hak_radix, zero_leaf));
}

// The leaf that holds what is known of `p`, and the place in it.  False: out of the table's reach.
// Plain loads, which the compiler may fold into other instructions: slot, home and entry are written
// before the block exists, and whoever passes `p` to another thread orders that before the look-up.
HAK_FAST bool hak_radix_find(const void *p, struct hak_radix_leaf **ret_leaf, size_t *ret_index)
{
    size_t index = ((uintptr_t)p >> HAK_GRANULE_SHIFT) - hak_radix_home.first_granule;
    struct hak_radix_leaf *leaf = hak_radix_home.leaf;
    if (HAK_UNLIKELY(index >= HAK_RADIX_LEAF_ENTRIES)) {
        uintptr_t slot = hak_radix_slot(p);
        // Half of all frees may be of NULL: the first granule is out of reach.
        if ((uintptr_t)p < HAK_GRANULE_BYTES || slot >= HAK_RADIX_ROOT_SLOTS)
            return false;
        index = hak_radix_index(p);
        leaf = hak_radix_leaf(slot);
    }
    *ret_index = index;
    *ret_leaf = leaf;
    return true;
}

HAK_FAST uint32_t hak_page_registry_entry(const void *p)
{
    struct hak_radix_leaf *leaf;
    size_t index;
    return hak_radix_find(p, &leaf, &index) ? leaf->entries[index] : 0;
}

HAK_FAST size_t hak_page_registry_entry_xor(const void *p, const uint32_t *tag)
{
    struct hak_radix_leaf *leaf;
    size_t index;
    return hak_radix_find(p, &leaf, &index) ? leaf->entries[index] ^ *tag : SIZE_MAX;
}

HAK_FAST void *hak_page_registry_descriptor(const void *p)
{
    struct hak_radix_leaf *leaf;
    size_t index;
    return hak_radix_find(p, &leaf, &index) ? leaf->descriptors[index] : NULL;
}

#endif
