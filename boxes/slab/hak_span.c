// Chunks in lists by memory node and longest free run; all state under HAK_LOCK_SPANS.
//
// INV a chunk with a free granule is in its node's list of its longest run (runs of 8 and more
//     share one); a full chunk is in list 0.
// INV a chunk with dirty granules is in the dirty queue, the one that got dirty first in front.
// INV what is used is present.
// INV totals equal the sums over all chunks.
#include "hak_granule_set.h"
#include "hak_list.h"
#include "hak_lock.h"
#include "hak_meta.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_retain.h"
#include "hak_span.h"

enum {
    MIB = 1024 * 1024,
    MIB_GRANULES = MIB / HAK_GRANULE_BYTES,
    LARGE_PAGE_GRANULES = HAK_OS_LARGE_PAGE_BYTES / HAK_GRANULE_BYTES,
    LARGE_PAGES = HAK_CHUNK_GRANULES / LARGE_PAGE_GRANULES,
};

struct hak_chunk {
    char *base;
    unsigned granules;
    unsigned longest_run; // of free granules, counted to HAK_SLAB_MAX_GRANULES
    unsigned node;        // of the thread that mapped it
    hak_granule_set free;
    hak_granule_set used;
    hak_granule_set present;
    unsigned large_pages; // that were got, one bit each
    struct hak_chunk *next, *previous;
    bool queued;              // in the dirty queue,
    struct hak_link in_queue; // by this
};

static struct hak_link dirty_queue = {&dirty_queue, &dirty_queue};
static struct hak_chunk *lists[HAK_OS_MAX_NODES][HAK_SLAB_MAX_GRANULES + 1];
static struct hak_span_totals totals;
static struct hak_retain retained; // totals.dirty_bytes
// The kernel takes no pages (mlock, seccomp): not asked again until a trim.
static bool purge_refused;
static struct hak_meta_pool chunk_pool = {
    .bytes = (sizeof(struct hak_chunk) + HAK_CACHE_LINE_BYTES - 1) &
             ~(size_t)(HAK_CACHE_LINE_BYTES - 1),
    .link_offset = offsetof(struct hak_chunk, next),
};
static unsigned next_chunk_mib; // 0: not yet set from the options

static hak_granule_set dirty(const struct hak_chunk *chunk)
{
    return chunk->free & chunk->present;
}

static size_t set_bytes(hak_granule_set granules)
{
    return (size_t)hak_granules_count(granules) * HAK_GRANULE_BYTES;
}

static bool is_free(const struct hak_chunk *chunk)
{
    return chunk->free == hak_granules_below(chunk->granules);
}

static size_t chunk_bytes(const struct hak_chunk *chunk)
{
    return (size_t)chunk->granules * HAK_GRANULE_BYTES;
}

static void list_locked(struct hak_chunk *chunk)
{
    chunk->longest_run = hak_granules_longest_run(chunk->free);
    struct hak_chunk **head = &lists[chunk->node][chunk->longest_run];
    chunk->previous = NULL;
    chunk->next = *head;
    if (*head != NULL)
        (*head)->previous = chunk;
    *head = chunk;
}

static void unlist_locked(struct hak_chunk *chunk)
{
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        lists[chunk->node][chunk->longest_run] = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
}

static void relist_locked(struct hak_chunk *chunk)
{
    if (hak_granules_longest_run(chunk->free) == chunk->longest_run)
        return;
    unlist_locked(chunk);
    list_locked(chunk);
}

static void queue_dirty_locked(struct hak_chunk *chunk)
{
    if (chunk->queued)
        return;
    chunk->queued = true;
    hak_list_insert(&dirty_queue, &chunk->in_queue);
}

static void unqueue_dirty_locked(struct hak_chunk *chunk)
{
    if (!chunk->queued)
        return;
    chunk->queued = false;
    hak_list_remove(&chunk->in_queue);
}

// The chunk that has been dirty longest, or NULL.
static struct hak_chunk *first_dirty_locked(void)
{
    while (!hak_list_is_empty(&dirty_queue)) {
        struct hak_chunk *chunk = HAK_LIST_ENTRY(dirty_queue.next, struct hak_chunk, in_queue);
        if (dirty(chunk) != 0)
            return chunk;
        unqueue_dirty_locked(chunk); // its granules were taken meanwhile
    }
    return NULL;
}

static size_t dirty_floor_locked(void)
{
    size_t live = totals.chunk_bytes - totals.free_bytes;
    size_t share = live / 100 * (size_t)hak_options.dirty_percent;
    size_t least = (size_t)hak_options.dirty_mib * MIB;
    return share > least ? share : least;
}

// Granules leave and join the free ones; the totals follow.
static void occupy_locked(struct hak_chunk *chunk, hak_granule_set granules)
{
    totals.free_bytes -= set_bytes(granules);
    totals.dirty_bytes -= set_bytes(granules & chunk->present);
    chunk->free &= ~granules;
    relist_locked(chunk);
}

static void vacate_locked(struct hak_chunk *chunk, hak_granule_set granules)
{
    totals.free_bytes += set_bytes(granules);
    totals.dirty_bytes += set_bytes(granules & chunk->present);
    chunk->free |= granules;
    relist_locked(chunk);
    if (dirty(chunk) != 0)
        queue_dirty_locked(chunk);
}

// Granules of the chunk's large page `page`.
static hak_granule_set large_page(unsigned page)
{
    return hak_granules_below(LARGE_PAGE_GRANULES) << page * LARGE_PAGE_GRANULES;
}

static unsigned first_granule(const struct hak_span *span)
{
    return (unsigned)((size_t)(span->base - span->chunk->base) / HAK_GRANULE_BYTES);
}

static hak_granule_set granules_of(const struct hak_span *span)
{
    return hak_granules_below(span->granules) << first_granule(span);
}

// Whether the span, just taken, begins a large page that nothing else in it has pages of.
static bool begins_large_page_locked(const struct hak_span *span)
{
    const struct hak_chunk *chunk = span->chunk;
    unsigned first = first_granule(span);
    return span->zero && first % LARGE_PAGE_GRANULES == 0 &&
           first + LARGE_PAGE_GRANULES <= chunk->granules &&
           (large_page(first / LARGE_PAGE_GRANULES) & chunk->present & ~granules_of(span)) == 0 &&
           dirty_floor_locked() >= HAK_OS_LARGE_PAGE_BYTES; // else it would not stay
}

// `rest`: the large page's other granules, out of circulation meanwhile: another thread would touch
// them with small pages.
static void want_large_page(struct hak_span *span, hak_granule_set rest)
{
    struct hak_chunk *chunk = span->chunk;
    bool got = hak_os_want_large_pages(span->base, HAK_OS_LARGE_PAGE_BYTES);
    hak_lock_take(HAK_LOCK_SPANS);
    if (got) {
        chunk->large_pages |= 1u << first_granule(span) / LARGE_PAGE_GRANULES;
        chunk->present |= rest;
    }
    vacate_locked(chunk, rest);
    hak_lock_drop(HAK_LOCK_SPANS);
    span->present = got;
}

static bool take_locked(unsigned granules, unsigned node, struct hak_span *ret_span)
{
    struct hak_chunk *chunk = NULL;
    for (unsigned run = granules; chunk == NULL && run <= HAK_SLAB_MAX_GRANULES; run++)
        chunk = lists[node][run];
    if (chunk == NULL)
        return false;
    hak_granule_set runs = hak_granules_runs(dirty(chunk), granules); // has pages already
    if (runs == 0)
        runs = hak_granules_runs(chunk->free, granules);
    unsigned first = hak_granules_first(runs);
    hak_granule_set span = hak_granules_below(granules) << first;
    hak_granule_set clean = span & ~chunk->present;
    *ret_span = (struct hak_span){
        .base = chunk->base + (size_t)first * HAK_GRANULE_BYTES,
        .chunk = chunk,
        .granules = granules,
        .zero = (span & chunk->used) == 0,
        .present = clean == 0,
    };
    occupy_locked(chunk, span);
    chunk->used |= span;
    chunk->present |= span;
    hak_retain_now(&retained, totals.dirty_bytes);
    if (clean != 0)
        hak_retain_needed(&retained, set_bytes(clean), dirty_floor_locked());
    return true;
}

// Size of the next chunk: INIT, then GROWTH times the one before, up to MAX (all in MiB).
static unsigned chunk_mib_locked(void)
{
    unsigned limit = (unsigned)hak_options.chunk_max;
    if (next_chunk_mib == 0)
        next_chunk_mib = (unsigned)hak_options.chunk_init;
    unsigned mib = next_chunk_mib < limit ? next_chunk_mib : limit;
    next_chunk_mib = mib * (unsigned)hak_options.chunk_growth;
    return mib;
}

static void remember_locked(struct hak_chunk *chunk)
{
    list_locked(chunk);
    totals.chunks++;
    totals.chunk_bytes += chunk_bytes(chunk);
    totals.free_bytes += chunk_bytes(chunk);
    totals.dirty_bytes += set_bytes(dirty(chunk));
    if (dirty(chunk) != 0)
        queue_dirty_locked(chunk);
}

static void *map_chunk(unsigned mib)
{
    bool may_be_large = mib > 1 && hak_options.huge;
    return hak_os_map((size_t)mib * MIB,
                      may_be_large ? HAK_OS_LARGE_PAGE_BYTES : HAK_GRANULE_BYTES);
}

// Maps a chunk, half as large after each refusal, and adds it to the node's lists.
static bool add_chunk(unsigned node)
{
    struct hak_chunk *chunk = hak_meta_take(&chunk_pool);
    if (chunk == NULL)
        return false;
    hak_lock_take(HAK_LOCK_SPANS);
    unsigned mib = chunk_mib_locked();
    hak_lock_drop(HAK_LOCK_SPANS);
    char *base = map_chunk(mib);
    while (base == NULL && mib > 1) {
        mib /= 2;
        base = map_chunk(mib);
    }
    if (base == NULL) {
        hak_meta_give(&chunk_pool, chunk);
        return false;
    }
    *chunk = (struct hak_chunk){.base = base, .granules = mib * MIB_GRANULES, .node = node};
    chunk->free = hak_granules_below(chunk->granules);
    // Refused: most likely it is threads of the node that touch it first.
    (void)hak_os_place(base, chunk_bytes(chunk), node);
    hak_lock_take(HAK_LOCK_SPANS);
    remember_locked(chunk);
    hak_lock_drop(HAK_LOCK_SPANS);
    return true;
}

static bool take(unsigned granules, unsigned node, bool large, struct hak_span *ret_span)
{
    hak_lock_take(HAK_LOCK_SPANS);
    bool taken = take_locked(granules, node, ret_span);
    hak_granule_set rest = 0;
    if (taken && large && begins_large_page_locked(ret_span)) {
        unsigned page = first_granule(ret_span) / LARGE_PAGE_GRANULES;
        rest = large_page(page) & ~granules_of(ret_span);
        occupy_locked(ret_span->chunk, rest);
    }
    hak_lock_drop(HAK_LOCK_SPANS);
    if (rest != 0)
        want_large_page(ret_span, rest);
    return taken;
}

static bool take_elsewhere(unsigned granules, unsigned own_node, bool large,
                           struct hak_span *ret_span)
{
    bool taken = false;
    for (unsigned node = 0; node < HAK_OS_MAX_NODES && !taken; node++)
        taken = node != own_node && take(granules, node, large, ret_span);
    return taken;
}

// A new chunk comes before another node's memory: a slab keeps its span, and mostly its threads,
// for long.  But distant memory is better than none.
bool hak_span_take(unsigned granules, bool large, struct hak_span *ret_span)
{
    HAK_ASSERT(granules > 0 && granules <= HAK_SLAB_MAX_GRANULES);
    unsigned node = hak_os_node();
    while (!take(granules, node, large, ret_span)) {
        if (!add_chunk(node)) // another thread may take the new chunk before us: try again
            return take_elsewhere(granules, node, large, ret_span);
    }
    return true;
}

static void forget_locked(struct hak_chunk *chunk)
{
    unlist_locked(chunk);
    unqueue_dirty_locked(chunk);
    totals.chunks--;
    totals.chunk_bytes -= chunk_bytes(chunk);
    totals.free_bytes -= chunk_bytes(chunk);
    totals.dirty_bytes -= set_bytes(dirty(chunk));
}

// Pre: `chunk` is forgotten.  A refused unmap puts it back.
static size_t unmap_chunk(struct hak_chunk *chunk)
{
    size_t bytes = chunk_bytes(chunk);
    if (hak_os_unmap(chunk->base, bytes)) {
        hak_meta_give(&chunk_pool, chunk);
        return bytes;
    }
    hak_lock_take(HAK_LOCK_SPANS);
    remember_locked(chunk);
    hak_lock_drop(HAK_LOCK_SPANS);
    return 0;
}

// Returns those of the chunk's large pages that the granules are part of; they no longer are large.
static unsigned forget_large_pages_locked(struct hak_chunk *chunk, hak_granule_set granules)
{
    unsigned pages = 0;
    for (unsigned page = 0; page < LARGE_PAGES; page++)
        pages |= (unsigned)((large_page(page) & granules) != 0) << page;
    pages &= chunk->large_pages;
    chunk->large_pages &= ~pages;
    return pages;
}

// Takes the dirty granules of the chunk that has been dirty longest out of circulation, when more
// than `keep_bytes` are dirty in all.
static struct hak_chunk *claim_dirty(size_t keep_bytes, hak_granule_set *ret_granules,
                                     unsigned *ret_large_pages)
{
    hak_lock_take(HAK_LOCK_SPANS);
    struct hak_chunk *chunk = totals.dirty_bytes > keep_bytes ? first_dirty_locked() : NULL;
    if (chunk != NULL) {
        unqueue_dirty_locked(chunk);
        *ret_granules = dirty(chunk);
        *ret_large_pages = forget_large_pages_locked(chunk, *ret_granules);
        occupy_locked(chunk, *ret_granules);
        hak_retain_given_back(&retained, set_bytes(*ret_granules));
    }
    hak_lock_drop(HAK_LOCK_SPANS);
    return chunk;
}

// Purges runs of claimed granules, no lock held.  Returns those that the kernel has taken.
static hak_granule_set purge_claimed(struct hak_chunk *chunk, hak_granule_set claimed)
{
    struct hak_os_range ranges[(HAK_CHUNK_GRANULES + 1) / 2];
    hak_granule_set runs[(HAK_CHUNK_GRANULES + 1) / 2];
    unsigned count = 0;
    for (; claimed != 0; claimed &= ~runs[count++]) {
        unsigned first = hak_granules_first(claimed);
        unsigned length = 1;
        while (first + length < HAK_CHUNK_GRANULES && (claimed >> (first + length) & 1) != 0)
            length++;
        runs[count] = hak_granules_below(length) << first;
        ranges[count] = (struct hak_os_range){chunk->base + (size_t)first * HAK_GRANULE_BYTES,
                                              (size_t)length * HAK_GRANULE_BYTES};
    }
    unsigned done = hak_os_purge_each(ranges, count);
    hak_granule_set purged = 0;
    for (unsigned i = 0; i < done; i++)
        purged |= runs[i];
    return purged;
}

// Splits `pages`, which are no longer noted as large, as `granules` will be given back.
static void split_large_pages(struct hak_chunk *chunk, unsigned pages, hak_granule_set granules)
{
    for (unsigned page = 0; pages >> page != 0; page++) {
        char *start = chunk->base + (size_t)page * HAK_OS_LARGE_PAGE_BYTES;
        if ((pages >> page & 1) == 0)
            continue;
        hak_os_want_small_pages(start, HAK_OS_LARGE_PAGE_BYTES);
        if ((large_page(page) & ~granules) != 0) // else it goes as a whole
            hak_os_split_large_page(start);
    }
}

void hak_span_leave_large_pages(const struct hak_span *span)
{
    hak_lock_take(HAK_LOCK_SPANS);
    unsigned pages = forget_large_pages_locked(span->chunk, granules_of(span));
    hak_lock_drop(HAK_LOCK_SPANS);
    split_large_pages(span->chunk, pages, 0);
}

static size_t purge_to(size_t keep_bytes)
{
    size_t bytes = 0;
    hak_granule_set claimed;
    unsigned pages;
    for (struct hak_chunk *chunk; (chunk = claim_dirty(keep_bytes, &claimed, &pages)) != NULL;) {
        split_large_pages(chunk, pages, claimed);
        hak_granule_set purged = purge_claimed(chunk, claimed);
        hak_lock_take(HAK_LOCK_SPANS);
        chunk->used &= ~purged;
        chunk->present &= ~purged;
        vacate_locked(chunk, claimed);
        purge_refused = purged != claimed;
        hak_lock_drop(HAK_LOCK_SPANS);
        bytes += set_bytes(purged);
        if (purged != claimed)
            break; // asking again would not end
    }
    return bytes;
}

void hak_span_give(const struct hak_span *span)
{
    struct hak_chunk *chunk = span->chunk;
    hak_granule_set bits = granules_of(span);
    hak_lock_take(HAK_LOCK_SPANS);
    HAK_CHECK((chunk->free & bits) == 0);
    vacate_locked(chunk, bits);
    size_t bound = hak_retain_bound(&retained, dirty_floor_locked());
    bool too_dirty = totals.dirty_bytes > bound && !purge_refused;
    bool surplus = is_free(chunk) && totals.free_bytes > 2 * bound;
    if (surplus) {
        hak_retain_given_back(&retained, set_bytes(dirty(chunk)));
        forget_locked(chunk);
    }
    hak_lock_drop(HAK_LOCK_SPANS);
    if (surplus)
        unmap_chunk(chunk);
    if (too_dirty)
        purge_to(bound - bound / 8); // a batch, not at every give
}

static struct hak_chunk *take_free_chunk(void)
{
    struct hak_chunk *chunk = NULL;
    hak_lock_take(HAK_LOCK_SPANS);
    for (unsigned node = 0; chunk == NULL && node < HAK_OS_MAX_NODES; node++) {
        for (chunk = lists[node][HAK_SLAB_MAX_GRANULES]; chunk != NULL && !is_free(chunk);)
            chunk = chunk->next;
    }
    if (chunk != NULL)
        forget_locked(chunk);
    hak_lock_drop(HAK_LOCK_SPANS);
    return chunk;
}

size_t hak_span_trim(void)
{
    size_t trimmed = 0;
    for (struct hak_chunk *chunk; (chunk = take_free_chunk()) != NULL;) {
        size_t bytes = unmap_chunk(chunk);
        if (bytes == 0)
            break; // the kernel refuses: asking again would not end
        trimmed += bytes;
    }
    return trimmed + purge_to(0);
}

void hak_span_tick(bool all)
{
    hak_lock_take(HAK_LOCK_SPANS);
    size_t least = all ? 0 : dirty_floor_locked();
    size_t keep = hak_retain_used(&retained, totals.dirty_bytes, least);
    bool refused = purge_refused;
    hak_lock_drop(HAK_LOCK_SPANS);
    if (!refused)
        purge_to(keep);
}

struct hak_span_totals hak_span_totals(void)
{
    hak_lock_take(HAK_LOCK_SPANS);
    struct hak_span_totals now = totals;
    hak_lock_drop(HAK_LOCK_SPANS);
    return now;
}

static void check_list_locked(unsigned node, unsigned run, struct hak_span_totals *sum)
{
    for (const struct hak_chunk *chunk = lists[node][run]; chunk != NULL; chunk = chunk->next) {
        HAK_CHECK(chunk->node == node && chunk->longest_run == run &&
                  hak_granules_longest_run(chunk->free) == run);
        HAK_CHECK((chunk->free & ~hak_granules_below(chunk->granules)) == 0);
        HAK_CHECK((chunk->used & ~chunk->present) == 0);
        HAK_CHECK(chunk->next == NULL || chunk->next->previous == chunk);
        sum->chunks++;
        sum->chunk_bytes += chunk_bytes(chunk);
        sum->free_bytes += set_bytes(chunk->free);
        sum->dirty_bytes += set_bytes(dirty(chunk));
        HAK_CHECK(chunk->queued || dirty(chunk) == 0);
    }
}

void hak_span_check(void)
{
    struct hak_span_totals sum = {0};
    hak_lock_take(HAK_LOCK_SPANS);
    for (unsigned node = 0; node < HAK_OS_MAX_NODES; node++) {
        for (unsigned run = 0; run <= HAK_SLAB_MAX_GRANULES; run++)
            check_list_locked(node, run, &sum);
    }
    HAK_CHECK(sum.chunks == totals.chunks && sum.chunk_bytes == totals.chunk_bytes &&
              sum.free_bytes == totals.free_bytes && sum.dirty_bytes == totals.dirty_bytes);
    hak_lock_drop(HAK_LOCK_SPANS);
}
