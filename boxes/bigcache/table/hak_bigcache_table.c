// Kept memory as pieces of address space rather than as mappings of their own sizes: a piece that
// is put merges with its neighbours, and a request is cut from a piece that is large enough.
#include "hak_lock.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_pieces.h"
#include "hak_retain.h"

enum {
    MIB = 1024 * 1024,
    FLOOR_MIB = 8,              // kept without experience
    WASTE_SHARE = 8,            // of a request may be left at its end rather than cut off
    LARGE_PAGES_FROM = 4 * MIB, // holds a page of 2 MiB wherever it begins
    LOOKS = 16,
};

static _Atomic bool xwas_dense; // the last large piece that was given back; relaxed: a hint

// Under HAK_LOCK_BIGCACHE.
static size_t kept_bytes; // with pages
static struct hak_retain retained;

static size_t most_bytes(void)
{
    return (size_t)hak_options.bigcache_mib * MIB;
}

static size_t floor_bytes(void)
{
    return most_bytes() < FLOOR_MIB * MIB ? most_bytes() : FLOOR_MIB * MIB;
}

static size_t bound_locked(void)
{
    size_t bound = hak_retain_bound(&retained, floor_bytes());
    return bound < most_bytes() ? bound : most_bytes();
}

// Takes some or all of the oldest piece, when more than `keep_bytes` are kept.
static bool claim_surplus_locked(size_t keep_bytes, struct hak_mapping *ret_mapping)
{
    struct hak_piece *oldest = hak_pieces_oldest(HAK_WITH_PAGES);
    if (kept_bytes <= keep_bytes || oldest == NULL)
        return false;
    size_t surplus = hak_round_up(kept_bytes - keep_bytes, HAK_GRANULE_BYTES);
    *ret_mapping = oldest->mapping;
    if (surplus < oldest->mapping.bytes)
        *ret_mapping = hak_pieces_cut(oldest, HAK_EDGE_END, surplus);
    else
        hak_pieces_remove(oldest);
    kept_bytes -= ret_mapping->bytes;
    hak_retain_given_back(&retained, ret_mapping->bytes);
    return true;
}

// Whether a page begins with something: not with four words of 0.
static bool is_written(const char *page)
{
    return hak_os_peek(page) || hak_os_peek(page + 4) || hak_os_peek(page + 8) ||
           hak_os_peek(page + 12);
}

// Whether memory about to be unmapped was written all over, as far as a few pages tell.
static bool is_dense(struct hak_mapping mapping)
{
    size_t pages = mapping.bytes / hak_os_page_bytes(), looks = 0;
    while (looks < LOOKS && is_written(mapping.start + pages * looks / LOOKS * hak_os_page_bytes()))
        looks++;
    return looks == LOOKS;
}

static bool may_merge(const struct hak_piece *piece, struct hak_mapping mapping,
                      enum hak_pages pages)
{
    return piece != NULL && piece->mapping.placed == mapping.placed && piece->pages == pages;
}

// `mapping` with the pieces on both sides of it, which are removed.  Those placed otherwise stay:
// to the kernel they are other mappings, and mremap refuses to move two at a time.
static struct hak_mapping merge_locked(struct hak_mapping mapping, enum hak_pages pages)
{
    struct hak_piece *before = hak_pieces_at(HAK_EDGE_END, mapping.start);
    if (may_merge(before, mapping, pages)) {
        mapping.start = before->mapping.start;
        mapping.bytes += before->mapping.bytes;
        hak_pieces_remove(before);
    }
    struct hak_piece *after = hak_pieces_at(HAK_EDGE_START, mapping.start + mapping.bytes);
    if (may_merge(after, mapping, pages)) {
        mapping.bytes += after->mapping.bytes;
        hak_pieces_remove(after);
    }
    return mapping;
}

static bool keep_locked(struct hak_mapping mapping, enum hak_pages pages)
{
    // After a merge there is a descriptor to reuse.
    bool kept = hak_pieces_add(merge_locked(mapping, pages), pages);
    if (kept && pages == HAK_WITH_PAGES)
        kept_bytes += mapping.bytes;
    return kept;
}

// No lock held.  Where the kernel refuses (a hole would be one mapping too many), the pages go back
// and the addresses are kept.
static bool unmap_claimed(struct hak_mapping old)
{
    if (hak_os_unmap(old.start, old.bytes))
        return true;
    (void)hak_os_purge(old.start, old.bytes);
    hak_lock_take(HAK_LOCK_BIGCACHE);
    (void)keep_locked(old, HAK_WITHOUT_PAGES); // else they go to waste
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return false;
}

// Unmaps the oldest pieces until at most `keep_bytes` are kept.
static size_t shrink_to(size_t keep_bytes)
{
    size_t bytes = 0;
    struct hak_mapping old;
    for (bool more = true; more;) {
        hak_lock_take(HAK_LOCK_BIGCACHE);
        more = claim_surplus_locked(keep_bytes, &old);
        hak_lock_drop(HAK_LOCK_BIGCACHE);
        if (more && hak_options.huge && old.bytes >= LARGE_PAGES_FROM)
            atomic_store_explicit(&xwas_dense, is_dense(old), memory_order_relaxed);
        if (more && unmap_claimed(old))
            bytes += old.bytes;
    }
    return bytes;
}

// Unmaps what was refused before, until something is again.
static size_t unmap_refused(void)
{
    size_t bytes = 0;
    for (bool more = true; more;) {
        struct hak_mapping old = {0};
        hak_lock_take(HAK_LOCK_BIGCACHE);
        struct hak_piece *oldest = hak_pieces_oldest(HAK_WITHOUT_PAGES);
        if (oldest != NULL) {
            old = oldest->mapping;
            hak_pieces_remove(oldest);
        }
        hak_lock_drop(HAK_LOCK_BIGCACHE);
        more = oldest != NULL && unmap_claimed(old);
        bytes += more ? old.bytes : 0;
    }
    return bytes;
}

bool hak_bigcache_put(struct hak_mapping mapping)
{
    if (!hak_options.bigcache || most_bytes() == 0)
        return false;
    hak_lock_take(HAK_LOCK_BIGCACHE);
    size_t bound = bound_locked();
    bool kept = keep_locked(mapping, HAK_WITH_PAGES);
    bool too_much = kept_bytes > bound;
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    if (too_much)
        shrink_to(bound);
    return kept;
}

// The piece's first bytes, or all of it.
static struct hak_mapping take_locked(struct hak_piece *piece, size_t bytes)
{
    struct hak_mapping taken = piece->mapping;
    bool has_pages = piece->pages == HAK_WITH_PAGES;
    if (bytes < taken.bytes)
        taken = hak_pieces_cut(piece, HAK_EDGE_START, bytes);
    else
        hak_pieces_remove(piece);
    kept_bytes -= has_pages ? taken.bytes : 0;
    hak_retain_now(&retained, kept_bytes);
    return taken;
}

// What to ask of the kernel for a mapping that nothing kept serves.
static unsigned advice_locked(size_t bytes)
{
    bool needed_again = hak_retain_needed(&retained, bytes, floor_bytes());
    size_t bound = bound_locked();
    bool wants = needed_again && bytes >= LARGE_PAGES_FROM && bytes <= bound &&
                 bound > floor_bytes() && hak_options.huge &&
                 atomic_load_explicit(&xwas_dense, memory_order_relaxed);
    return wants ? HAK_LARGE_PAGES : 0;
}

bool hak_bigcache_take(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping)
{
    hak_lock_take(HAK_LOCK_BIGCACHE);
    struct hak_piece *piece = hak_pieces_fit(bytes, alignment);
    if (piece != NULL) {
        size_t all_bytes = piece->mapping.bytes;
        bool cut = all_bytes - bytes > bytes / WASTE_SHARE;
        *ret_mapping = take_locked(piece, cut ? hak_round_up(bytes, HAK_GRANULE_BYTES) : all_bytes);
    } else {
        ret_mapping->placed = advice_locked(bytes);
    }
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return piece != NULL;
}

void hak_bigcache_extend(struct hak_mapping *mapping, size_t bytes)
{
    hak_lock_take(HAK_LOCK_BIGCACHE);
    struct hak_piece *after = hak_pieces_at(HAK_EDGE_START, mapping->start + mapping->bytes);
    if (after != NULL && after->mapping.placed == mapping->placed)
        mapping->bytes += take_locked(after, bytes - mapping->bytes).bytes;
    if (mapping->bytes < bytes)
        hak_retain_needed(&retained, bytes - mapping->bytes, floor_bytes());
    hak_lock_drop(HAK_LOCK_BIGCACHE);
}

size_t hak_bigcache_trim(void)
{
    return shrink_to(0) + unmap_refused();
}

void hak_bigcache_tick(bool all)
{
    hak_lock_take(HAK_LOCK_BIGCACHE);
    size_t keep = hak_retain_used(&retained, kept_bytes, all ? 0 : floor_bytes());
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    shrink_to(keep);
}

size_t hak_bigcache_bytes(void)
{
    hak_lock_take(HAK_LOCK_BIGCACHE);
    size_t bytes = kept_bytes;
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return bytes;
}
