// Everything is one compare-exchange on an area's state or on the head of a list.  Areas are never
// unmapped, so that walking their list is safe at any time.  All orders are seq_cst: what is rare
// need not be fast.
#include "hak_emergency.h"
#include "hak_os_boundary.h"

enum {
    AREA_BYTES = 1024 * 1024, // at least
    ALIGNMENT = 16,
    LIVE_BITS = 28,
};
static const size_t MOST_BYTES = (size_t)1 << (62 - LIVE_BITS);

struct area {
    struct area *next;
    size_t bytes;
    _Alignas(ALIGNMENT) _Atomic uint64_t xstate; // where the rest begins << LIVE_BITS | live blocks
};
static const uint64_t EMPTY = (uint64_t)sizeof(struct area) << LIVE_BITS;

// Before each block.  Its last byte is 0, which is no class header.
struct header {
    _Atomic uintptr_t xblock; // the block's address while it is live
    size_t bytes;
};
_Static_assert(sizeof(struct header) == ALIGNMENT, "blocks stay aligned");

static struct area *_Atomic xareas;

struct deferred {
    struct deferred *next;
    void *block;
};
static struct deferred *_Atomic xdeferred;

// The header of the block taken, or NULL: no room.
static struct header *take(struct area *area, size_t bytes, size_t alignment)
{
    uint64_t state = atomic_load(&area->xstate);
    uint64_t taken;
    size_t start;
    do {
        uintptr_t rest = (uintptr_t)area + (state >> LIVE_BITS);
        start = hak_round_up(rest + sizeof(struct header), alignment) - (uintptr_t)area;
        if (start + bytes > area->bytes)
            return NULL;
        taken = (start + bytes) << LIVE_BITS | ((state + 1) & hak_bits_below64(LIVE_BITS));
    } while (!atomic_compare_exchange_weak(&area->xstate, &state, taken));
    return (struct header *)((char *)area + start) - 1;
}

static bool add_area(size_t bytes)
{
    bytes = hak_round_up(bytes + sizeof(struct area) + sizeof(struct header), AREA_BYTES);
    // At a granule, for which the registry then has no entry, of a large block that begins there.
    struct area *area = hak_os_map(bytes, HAK_GRANULE_BYTES);
    if (area == NULL)
        return false;
    area->bytes = bytes;
    area->xstate = EMPTY;
    area->next = atomic_load(&xareas);
    while (!atomic_compare_exchange_weak(&xareas, &area->next, area))
        continue;
    return true;
}

void *hak_emergency_alloc(size_t bytes, size_t alignment)
{
    if (bytes > MOST_BYTES || alignment > MOST_BYTES)
        return NULL;
    bytes = hak_round_up(bytes > 0 ? bytes : 1, ALIGNMENT);
    alignment = alignment > ALIGNMENT ? alignment : ALIGNMENT;
    struct header *header = NULL;
    do {
        for (struct area *area = atomic_load(&xareas); area != NULL && header == NULL;
             area = area->next)
            header = take(area, bytes, alignment);
    } while (header == NULL && add_area(bytes + alignment));
    if (header == NULL)
        return NULL;
    header->bytes = bytes;
    header->xblock = (uintptr_t)(header + 1);
    return header + 1;
}

static struct area *area_of(const void *p)
{
    struct area *area = atomic_load(&xareas);
    while (area != NULL && (uintptr_t)p - (uintptr_t)area >= area->bytes)
        area = area->next;
    return area;
}

// The header of the area's live block at `p`; NULL: there is none.
static struct header *header_of(const struct area *area, const void *p)
{
    size_t offset = (size_t)((const char *)p - (const char *)area);
    struct header *header = (struct header *)p - 1;
    bool possible = offset >= sizeof(struct area) + sizeof(struct header) &&
                    offset % ALIGNMENT == 0;
    return possible && header->xblock == (uintptr_t)p ? header : NULL;
}

bool hak_emergency_free(void *p)
{
    struct area *area = area_of(p);
    if (area == NULL)
        return false;
    struct header *header = header_of(area, p);
    if (header == NULL || atomic_exchange(&header->xblock, 0) == 0)
        hak_panic("invalid free of", p, "no live block of a signal handler; was it freed before?");
    uint64_t state = atomic_load(&area->xstate);
    uint64_t left;
    do {
        left = (state - 1) & hak_bits_below64(LIVE_BITS) ? state - 1 : EMPTY;
    } while (!atomic_compare_exchange_weak(&area->xstate, &state, left));
    return true;
}

size_t hak_emergency_usable(const void *p)
{
    const struct area *area = area_of(p);
    const struct header *header = area != NULL ? header_of(area, p) : NULL;
    return header != NULL ? header->bytes : 0;
}

void hak_emergency_defer(void *p)
{
    struct deferred *deferred = hak_emergency_alloc(sizeof *deferred, ALIGNMENT);
    if (deferred == NULL)
        return;
    deferred->block = p;
    deferred->next = atomic_load(&xdeferred);
    while (!atomic_compare_exchange_weak(&xdeferred, &deferred->next, deferred))
        continue;
}

void hak_emergency_run_deferred(void (*release)(void *p))
{
    if (atomic_load_explicit(&xdeferred, memory_order_relaxed) == NULL)
        return; // a hint: every slow path comes here
    struct deferred *list = atomic_exchange(&xdeferred, NULL);
    while (list != NULL) {
        struct deferred *deferred = list;
        void *block = deferred->block;
        list = deferred->next;
        hak_emergency_free(deferred);
        release(block);
    }
}
