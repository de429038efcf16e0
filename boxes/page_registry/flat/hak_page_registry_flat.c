// The writing side of the flat registry.
#include "hak_lock.h"
#include "hak_os_boundary.h"
#include "hak_page_registry_common.h"

enum {
    ENTRY_BYTES = sizeof(uint32_t) + sizeof(void *),
    SMALLEST_WINDOW_BITS = 32, // 4 GiB of addresses for 768 KiB of table
};

struct hak_flat hak_flat;

// Publishes a window of 2^bits bytes of addresses around `start`, or the whole space.
static bool make_window(uintptr_t start, unsigned bits)
{
    size_t granules = (size_t)1 << (bits - HAK_GRANULE_SHIFT);
    if (granules * ENTRY_BYTES > hak_os_address_limit() / 8)
        return false; // the table is for the blocks, not instead of them
    void *table = hak_os_map(granules * ENTRY_BYTES, 1);
    if (table == NULL)
        return false;
    uintptr_t last = ((uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_GRANULE_SHIFT)) - granules;
    uintptr_t first = start >> HAK_GRANULE_SHIFT;
    // The kernel places later mappings below earlier ones: most of the window lies below.
    first = first > granules / 8 * 7 ? first - granules / 8 * 7 : 0;
    hak_flat.descriptors = table; // the wider elements first keeps both aligned
    hak_flat.entries = (uint32_t *)(hak_flat.descriptors + granules);
    hak_flat.first = first < last ? first : last;
    // release: who sees a window sees its tables
    __atomic_store_n(&hak_flat.granules, granules, __ATOMIC_RELEASE);
    return true;
}

static bool ensure_window(uintptr_t start)
{
    if (__atomic_load_n(&hak_flat.granules, __ATOMIC_ACQUIRE) != 0)
        return true;
    bool made = false;
    hak_lock_take(HAK_LOCK_META);
    if (hak_flat.granules != 0)
        made = true;
    for (unsigned bits = HAK_ADDRESS_BITS; !made && bits >= SMALLEST_WINDOW_BITS; bits--)
        made = make_window(start, bits);
    hak_lock_drop(HAK_LOCK_META);
    return made;
}

static void record(uintptr_t i, uint32_t entry, void *descriptor)
{
    hak_flat.descriptors[i] = descriptor;
    hak_flat.entries[i] = entry;
}

bool hak_page_registry_add(const void *start, size_t granules, uint32_t entry, void *descriptor)
{
    HAK_ASSERT(entry != 0);
    if (!ensure_window((uintptr_t)start))
        return false;
    uintptr_t first = hak_flat_index(start);
    uintptr_t length = hak_flat.granules;
    if (first >= length || granules > length - first)
        return false;
    hak_page_registry_set_anchor(start);
    for (size_t i = 0; i < granules; i++) {
        HAK_ASSERT(hak_flat.entries[first + i] == 0);
        record(first + i, entry, descriptor);
    }
    return true;
}

void hak_page_registry_remove(const void *start, size_t granules)
{
    uintptr_t first = hak_flat_index(start);
    for (size_t i = 0; i < granules; i++)
        record(first + i, 0, NULL);
}
