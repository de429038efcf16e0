// Large blocks over the boundary, the registry and the cache of mappings.
#include "hak_bigcache.h"
#include "hak_large.h"
#include "hak_meta.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_span.h"

#include <string.h>

// Descriptor of a live large block.
struct hak_large {
    union {
        struct hak_mapping mapping;
        void *next_free;
    };
};

static struct hak_meta_pool large_pool = {
    .bytes = HAK_CACHE_LINE_BYTES,
    .link_offset = offsetof(struct hak_large, next_free),
};
_Static_assert(sizeof(struct hak_large) <= HAK_CACHE_LINE_BYTES, "one line a descriptor");

// Fully hardened, inaccessible addresses follow each block, and it is unmapped when it is freed:
// who goes too far or comes too late is stopped by the kernel.
enum { GUARD_BYTES = HAK_HARDENED_FULLY ? HAK_GRANULE_BYTES : 0 };

enum { PURGE_FROM_BYTES = 1024 * 1024 }; // less is cleared sooner than looked at

static _Atomic size_t xlarge_bytes;

static void count_bytes(size_t grown, size_t shrunk) // relaxed: it orders nothing
{
    atomic_fetch_add_explicit(&xlarge_bytes, grown - shrunk, memory_order_relaxed);
}

size_t hak_large_bytes(void)
{
    return atomic_load_explicit(&xlarge_bytes, memory_order_relaxed);
}

static char *map(size_t bytes, size_t alignment)
{
    char *start = hak_os_map(bytes + GUARD_BYTES, alignment);
    if (GUARD_BYTES != 0 && start != NULL)
        (void)hak_os_protect(start + bytes, GUARD_BYTES, false); // refused at the limit of mappings
    return start;
}

static void give_mapping(struct hak_mapping mapping)
{
    if (HAK_HARDENED_FULLY || !hak_bigcache_put(mapping))
        hak_os_discard(mapping.start, mapping.bytes + GUARD_BYTES);
}

// Only what is newly mapped: cached memory has its pages, and asking costs more than a hit.
static void place(struct hak_mapping *mapping, unsigned advice)
{
    unsigned node = hak_options.numa == HAK_OPTION_INTERLEAVE ? HAK_OS_EACH_NODE : hak_os_node();
    if (hak_os_place(mapping->start, mapping->bytes, node))
        mapping->placed = 1 + node;
    if (advice == HAK_LARGE_PAGES &&
        hak_os_want_large_pages(mapping->start, mapping->bytes) != HAK_OS_NOT_ASKED)
        mapping->placed |= HAK_LARGE_PAGES;
}

static bool get_mapping(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping,
                        bool *ret_zero)
{
    *ret_zero = false;
    unsigned advice = 0;
    if (!HAK_HARDENED_FULLY) {
        if (hak_bigcache_take(bytes, alignment, ret_mapping))
            return true;
        advice = ret_mapping->placed;
    }
    hak_span_purge_excess(0); // what waits to be needed again is not
    char *start = map(bytes, alignment);
    if (start == NULL)
        return false;
    *ret_mapping = (struct hak_mapping){.start = start, .bytes = bytes};
    place(ret_mapping, advice);
    *ret_zero = true;
    return true;
}

void *hak_large_alloc(size_t bytes, size_t alignment, bool *ret_zero)
{
    size_t rounded = hak_large_mapping_bytes(bytes);
    struct hak_large *large = rounded != 0 ? hak_meta_take(&large_pool) : NULL;
    if (large == NULL)
        return NULL;
    struct hak_mapping mapping;
    if (!get_mapping(rounded, alignment, &mapping, ret_zero)) {
        hak_meta_give(&large_pool, large);
        return NULL;
    }
    large->mapping = mapping;
    if (!hak_page_registry_add(mapping.start, 1, HAK_LARGE_ENTRY, large)) {
        give_mapping(mapping);
        hak_meta_give(&large_pool, large);
        return NULL;
    }
    count_bytes(mapping.bytes, 0);
    return mapping.start;
}

static struct hak_large *descriptor(const void *p)
{
    struct hak_large *large = hak_page_registry_descriptor(p);
    return large != NULL && large->mapping.start == p ? large : NULL;
}

static bool is_zero(const char *page, size_t bytes)
{
    return *page == 0 && memcmp(page, page + 1, bytes - 1) == 0;
}

// As far as a few pages tell.
static bool is_mostly_zero(const char *p, size_t bytes)
{
    enum { LOOKS = 16 };
    size_t page_bytes = hak_os_page_bytes(), pages = bytes / page_bytes;
    unsigned zeros = 0;
    for (unsigned i = 0; i < LOOKS; i++)
        zeros += is_zero(p + pages * i / LOOKS * page_bytes, page_bytes);
    return zeros > LOOKS / 2;
}

// Whether it is zero then.  (qemu's user mode says that it has given pages back, and has not, if
// mremap ever moved some.)
static bool purge(volatile char *p, size_t bytes)
{
    *p = 1;
    return hak_os_purge((void *)p, hak_round_up(bytes, hak_os_page_bytes())) && *p == 0;
}

void hak_large_clear(void *p, size_t bytes)
{
    if (bytes < PURGE_FROM_BYTES || !is_mostly_zero(p, bytes) || !purge(p, bytes))
        memset(p, 0, bytes);
}

void hak_large_free(void *p)
{
    struct hak_large *large = descriptor(p);
    if (large == NULL)
        hak_panic("invalid free of", p, "it points into a large block, not at its start");
    struct hak_mapping mapping = large->mapping;
    hak_page_registry_remove(p, 1);
    hak_meta_give(&large_pool, large);
    count_bytes(0, mapping.bytes);
    give_mapping(mapping);
}

// Moves the pages of `large` to a new mapping.  NULL: not possible, all is as it was.
static char *move(struct hak_large *large, size_t bytes)
{
    struct hak_mapping old = large->mapping;
    char *place = hak_os_map(bytes, 1);
    if (place == NULL)
        return NULL;
    // Makes the table, and no more: where the kernel refuses, another thread may be there by then.
    if (!hak_page_registry_add(place, 1, HAK_LARGE_ENTRY, large)) {
        hak_os_discard(place, bytes);
        return NULL;
    }
    hak_page_registry_remove(place, 1);
    // Forgotten first: once the pages have moved, the old place may become somebody else's.
    hak_page_registry_remove(old.start, 1);
    bool moved = hak_os_resize(old.start, old.bytes, bytes, place) != NULL;
    char *start = moved ? place : old.start;
    HAK_CHECK(hak_page_registry_add(start, 1, HAK_LARGE_ENTRY, large)); // its table exists
    return moved ? place : NULL;
}

static void shrink(struct hak_large *large, size_t bytes)
{
    struct hak_mapping rest = large->mapping;
    rest.start += bytes;
    rest.bytes -= bytes;
    large->mapping.bytes = bytes;
    give_mapping(rest);
}

static bool grow(struct hak_large *large, size_t bytes)
{
    struct hak_mapping *mapping = &large->mapping;
    size_t old_bytes = mapping->bytes;
    hak_bigcache_extend(mapping, bytes);
    if (mapping->bytes == bytes)
        return true;
    hak_span_purge_excess(0);
    char *start = hak_os_resize(mapping->start, mapping->bytes, bytes, mapping->start);
    if (start == NULL) {
        if (mapping->bytes != old_bytes)
            shrink(large, old_bytes); // the kernel may refuse to move the two as one
        start = move(large, bytes);
    }
    if (start == NULL)
        return false;
    mapping->start = start; // pages that move stay on their node
    mapping->bytes = bytes;
    return true;
}

void *hak_large_resize(void *p, size_t bytes)
{
    struct hak_large *large = descriptor(p);
    size_t rounded = hak_large_mapping_bytes(bytes);
    if (large == NULL || rounded == 0)
        return NULL;
    size_t old_bytes = large->mapping.bytes;
    if (rounded == old_bytes)
        return p;
    if (HAK_HARDENED_FULLY)
        return NULL; // what follows the block would not move along
    if (rounded < old_bytes)
        shrink(large, rounded);
    else if (!grow(large, rounded))
        return NULL;
    count_bytes(rounded, old_bytes);
    return large->mapping.start;
}

size_t hak_large_usable(const void *p)
{
    const struct hak_large *large = descriptor(p);
    return large != NULL ? large->mapping.bytes : 0;
}
