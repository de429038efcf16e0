// The writing side of the flat registry.  The window's tables are reserved as a whole and committed
// by pieces when the first granule of a piece is recorded, so a process that locks its memory does
// not pay for all of them.
#include "hak_lock.h"
#include "hak_os_boundary.h"
#include "hak_page_registry_common.h"

enum {
    ENTRY_BYTES = sizeof(uint32_t) + sizeof(void *),
    SMALLEST_WINDOW_BITS = 32, // 4 GiB of addresses for 768 KiB of table
    PIECE_GRANULES = 1 << (SMALLEST_WINDOW_BITS - HAK_GRANULE_SHIFT),
    PIECES = 1 << (HAK_ADDRESS_BITS - SMALLEST_WINDOW_BITS),
};
_Static_assert(PIECE_GRANULES * sizeof(uint32_t) % (64 * 1024) == 0, "pieces are whole OS pages");

struct hak_flat hak_flat;

static uint64_t half_committed[PIECES / 64];     // descriptors, perhaps not entries; under META
static _Atomic uint64_t xcommitted[PIECES / 64]; // a bit a piece of the window; set under META

// Publishes a window of 2^bits bytes of addresses around `start`, or the whole space.
static bool make_window(uintptr_t start, unsigned bits)
{
    size_t granules = (size_t)1 << (bits - HAK_GRANULE_SHIFT);
    if (granules * ENTRY_BYTES > hak_os_address_limit() / 8)
        return false; // the table is for the blocks, not instead of them
    uint32_t *entries = hak_os_reserve(granules * sizeof(uint32_t), true);
    if (entries == NULL)
        return false;
    void **descriptors = hak_os_reserve(granules * sizeof(void *), false); // read where committed
    if (descriptors == NULL) {
        hak_os_unreserve(entries, granules * sizeof(uint32_t));
        return false;
    }
    uintptr_t last = ((uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_GRANULE_SHIFT)) - granules;
    uintptr_t first = start >> HAK_GRANULE_SHIFT;
    // The kernel places later mappings below earlier ones: most of the window lies below.
    first = first > granules / 8 * 7 ? first - granules / 8 * 7 : 0;
    hak_flat.entries = entries;
    hak_flat.descriptors = descriptors;
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

static bool is_committed(size_t piece)
{
    // acquire: pairs with the release in commit
    return atomic_load_explicit(&xcommitted[piece / 64], memory_order_acquire) >> (piece % 64) & 1;
}

static bool commit(size_t piece)
{
    bool done = true;
    hak_lock_take(HAK_LOCK_META);
    if (!is_committed(piece)) {
        size_t first = piece * PIECE_GRANULES;
        uint64_t bit = (uint64_t)1 << (piece % 64), *half = &half_committed[piece / 64];
        if ((*half & bit) == 0 &&
            hak_os_commit(hak_flat.descriptors + first, PIECE_GRANULES * sizeof(void *)))
            *half |= bit;
        done = (*half & bit) != 0 &&
               hak_os_commit(hak_flat.entries + first, PIECE_GRANULES * sizeof(uint32_t));
        if (done)
            atomic_fetch_or_explicit(&xcommitted[piece / 64], (uint64_t)1 << (piece % 64),
                                     memory_order_release);
    }
    hak_lock_drop(HAK_LOCK_META);
    return done;
}

// Makes the tables writable for the granules [first, first + granules) of the window.
static bool ensure_committed(uintptr_t first, size_t granules)
{
    for (size_t piece = first / PIECE_GRANULES; piece <= (first + granules - 1) / PIECE_GRANULES;
         piece++) {
        if (!is_committed(piece) && !commit(piece))
            return false;
    }
    return true;
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
    if (first >= length || granules > length - first || !ensure_committed(first, granules))
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
