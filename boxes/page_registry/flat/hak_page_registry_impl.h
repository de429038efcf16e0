// One table with an entry for each granule of a window of addresses.  The window is the whole user
// address space where the kernel lets us reserve that much, and a part of it around the first
// recorded address where it does not.
#ifndef HAK_PAGE_REGISTRY_IMPL_H
#define HAK_PAGE_REGISTRY_IMPL_H

#define HAK_PAGE_REGISTRY_IMPL "flat"

// All zero until the first granule is recorded: an empty window, in which nothing is found.
struct hak_flat {
    uintptr_t first;    // number of the window's first granule
    uintptr_t granules; // length of the window
    uint32_t *entries;
    void **descriptors;
};

extern HAK_HIDDEN struct hak_flat hak_flat;

// Place of `p` in the window; at or past `granules` for addresses outside it.
// Plain loads: the window is written before the first block exists, an entry before its block, and
// whoever passes `p` to another thread orders that before the look-up.
HAK_FAST uintptr_t hak_flat_index(const void *p)
{
    return ((uintptr_t)p >> HAK_GRANULE_SHIFT) - hak_flat.first;
}

HAK_FAST bool hak_flat_covers(uintptr_t index)
{
    return index < hak_flat.granules;
}

HAK_FAST uint32_t hak_flat_entry(uintptr_t index) // Pre: covers(index)
{
    return hak_flat.entries[index];
}

HAK_FAST uint32_t hak_page_registry_entry(const void *p)
{
    uintptr_t index = hak_flat_index(p);
    return HAK_LIKELY(hak_flat_covers(index)) ? hak_flat_entry(index) : 0;
}

HAK_FAST size_t hak_page_registry_entry_xor(const void *p, const uint32_t *tag)
{
    uintptr_t index = hak_flat_index(p);
    return HAK_LIKELY(hak_flat_covers(index)) ? hak_flat_entry(index) ^ *tag : SIZE_MAX;
}

HAK_FAST void *hak_page_registry_descriptor(const void *p)
{
    return hak_flat.descriptors[hak_flat_index(p)];
}

#endif
