// The writing side of the radix registry.  Leaves are made on demand and never given back.
#include "hak_lock.h"
#include "hak_os_boundary.h"
#include "hak_page_registry_common.h"

#define NO_HOME (UINTPTR_MAX / 2) // every granule number less this is beyond a leaf

struct hak_radix hak_radix;
struct hak_radix_home hak_radix_home = {
    .first_granule = NO_HOME,
    .leaf = (struct hak_radix_leaf *)(void *)hak_radix.zero_leaf,
};

// Before there is a home the root is not looked at: what is read before it is written takes two
// page faults.
static bool leaf_exists(size_t slot)
{
    // relaxed: another thread may be settling; acquire: pairs with the release in make_leaf
    return __atomic_load_n(&hak_radix_home.first_granule, __ATOMIC_RELAXED) != NO_HOME &&
           __atomic_load_n(&hak_radix.root[slot], __ATOMIC_ACQUIRE) != 0;
}

// Whoever reads one of the two too early finds a leaf in which nothing is recorded, or goes by the root.
static void settle_home(size_t slot, struct hak_radix_leaf *leaf)
{
    if (hak_radix_home.first_granule != NO_HOME)
        return;
    __atomic_store_n(&hak_radix_home.leaf, leaf, __ATOMIC_RELAXED);
    __atomic_store_n(&hak_radix_home.first_granule, slot * HAK_RADIX_LEAF_ENTRIES,
                     __ATOMIC_RELAXED);
}

static bool make_leaf(size_t slot)
{
    bool made = true;
    hak_lock_take(HAK_LOCK_META);
    if (!leaf_exists(slot)) {
        size_t bytes = hak_round_up(sizeof(struct hak_radix_leaf), hak_os_page_bytes());
        struct hak_radix_leaf *leaf = hak_os_map(bytes, 1);
        ptrdiff_t distance = (ptrdiff_t)((uintptr_t)leaf - (uintptr_t)hak_radix.zero_leaf);
        made = leaf != NULL;
        if (made) {
            settle_home(slot, leaf);
            // release: who finds the slot finds a zeroed leaf
            __atomic_store_n(&hak_radix.root[slot], distance, __ATOMIC_RELEASE);
        }
    }
    hak_lock_drop(HAK_LOCK_META);
    return made;
}

static void record(uintptr_t address, uint32_t entry, void *descriptor)
{
    const void *p = (const void *)address; // NOLINT(performance-no-int-to-ptr)
    struct hak_radix_leaf *leaf;
    size_t index;
    HAK_CHECK(hak_radix_find(p, &leaf, &index));
    leaf->descriptors[index] = descriptor;
    leaf->entries[index] = entry;
}

bool hak_page_registry_add(const void *start, size_t granules, uint32_t entry, void *descriptor)
{
    HAK_ASSERT(entry != 0);
    uintptr_t first = (uintptr_t)start;
    uintptr_t last = first + (granules - 1) * HAK_GRANULE_BYTES;
    if (first < HAK_GRANULE_BYTES || last >> HAK_ADDRESS_BITS != 0)
        return false;
    size_t last_slot = last >> HAK_RADIX_LEAF_BITS;
    for (size_t slot = first >> HAK_RADIX_LEAF_BITS; slot <= last_slot; slot++) {
        if (!leaf_exists(slot) && !make_leaf(slot))
            return false;
    }
    hak_page_registry_set_anchor(start);
    for (size_t i = 0; i < granules; i++) {
        HAK_ASSERT(hak_page_registry_entry((const char *)start + i * HAK_GRANULE_BYTES) == 0);
        record(first + i * HAK_GRANULE_BYTES, entry, descriptor);
    }
    return true;
}

void hak_page_registry_remove(const void *start, size_t granules)
{
    for (size_t i = 0; i < granules; i++)
        record((uintptr_t)start + i * HAK_GRANULE_BYTES, 0, NULL);
}
