// Taking spans from chunks and giving them back; giving memory back to the kernel.
// All state under HAK_LOCK_SPANS.
#include "hak_bell.h"
#include "hak_chunk.h"
#include "hak_lock.h"
#include "hak_meta.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_retain.h"

enum {
    MIB = 1024 * 1024,
    MIB_GRANULES = MIB / HAK_GRANULE_BYTES,
    LARGE_PAGE_GRANULES = HAK_OS_LARGE_PAGE_BYTES / HAK_GRANULE_BYTES,
    LARGE_PAGES = HAK_CHUNK_GRANULES / LARGE_PAGE_GRANULES,
    LATE_MS = 2000, // the janitor has no processor, or something killed it
};

static struct hak_retain retained; // all dirty bytes
// The kernel takes no pages (mlock, seccomp): not asked again until a trim.
static bool purge_refused;
static bool has_janitor;   // that hears the bell
static uint64_t excess_ms; // since when dirty bytes wait for the janitor; 0: none do
static bool janitor_looks; // at the excess, and will again
static struct hak_meta_pool chunk_pool = {
    .bytes = (sizeof(struct hak_chunk) + HAK_CACHE_LINE_BYTES - 1) &
             ~(size_t)(HAK_CACHE_LINE_BYTES - 1),
    .link_offset = offsetof(struct hak_chunk, next),
};
static unsigned next_chunk_mib; // 0: not yet set from the options

static size_t dirty_floor_locked(void)
{
    struct hak_span_totals totals = hak_chunk_totals();
    size_t live = totals.chunk_bytes - totals.free_bytes;
    size_t share = live / 100 * (size_t)hak_options.dirty_percent;
    size_t least = (size_t)hak_options.dirty_mib * MIB;
    return share > least ? share : least;
}

static size_t dirty_bound_locked(void)
{
    return hak_retain_bound(&retained, dirty_floor_locked());
}

// Notes whether dirty bytes wait for the janitor: what exceeds the bound does, unless nothing is to
// be kept.  Returns for how many milliseconds.
static uint64_t note_excess_locked(size_t bound)
{
    bool waits = has_janitor && !purge_refused && bound > 0 &&
                 hak_chunk_totals().dirty_bytes > bound;
    uint64_t now = waits ? hak_os_now_ms() : 0;
    if (excess_ms == 0 || !waits)
        excess_ms = now;
    return now - excess_ms;
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

// Whether the span, just taken, begins a place for a large page where nothing else may have pages.
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
    enum hak_os_large_pages found = hak_os_want_large_pages(span->base, HAK_OS_LARGE_PAGE_BYTES);
    if (found == HAK_OS_ASKED)
        hak_os_want_small_pages(span->base, HAK_OS_LARGE_PAGE_BYTES);
    bool got = found == HAK_OS_GOT_ONE;
    hak_lock_take(HAK_LOCK_SPANS);
    if (got) {
        chunk->large_pages |= 1u << first_granule(span) / LARGE_PAGE_GRANULES;
        chunk->present |= rest;
    }
    hak_chunk_vacate(chunk, rest);
    hak_lock_drop(HAK_LOCK_SPANS);
    span->present = got;
}

static bool take_locked(unsigned granules, unsigned node, struct hak_span *ret_span)
{
    struct hak_chunk *chunk = hak_chunk_tightest(node, granules);
    if (chunk == NULL)
        return false;
    hak_granule_set runs = hak_granules_runs(hak_chunk_dirty(chunk), granules); // has pages already
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
    hak_chunk_occupy(chunk, span);
    chunk->used |= span;
    chunk->present |= span;
    hak_retain_now(&retained, hak_chunk_totals().dirty_bytes);
    if (clean != 0)
        hak_retain_needed(&retained, hak_granules_bytes(clean), dirty_floor_locked());
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
    (void)hak_os_place(base, hak_chunk_bytes(chunk), node);
    hak_os_want_small_pages(base, hak_chunk_bytes(chunk)); // until it pays: want_large_page
    hak_lock_take(HAK_LOCK_SPANS);
    hak_chunk_add(chunk);
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
        hak_chunk_occupy(ret_span->chunk, rest);
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

// Pre: `chunk` is forgotten.  A refused unmap puts it back.
static size_t unmap_chunk(struct hak_chunk *chunk)
{
    size_t bytes = hak_chunk_bytes(chunk);
    if (hak_os_unmap(chunk->base, bytes)) {
        hak_meta_give(&chunk_pool, chunk);
        return bytes;
    }
    hak_lock_take(HAK_LOCK_SPANS);
    hak_chunk_add(chunk);
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
    struct hak_chunk *chunk = NULL;
    hak_lock_take(HAK_LOCK_SPANS);
    if (hak_chunk_totals().dirty_bytes > keep_bytes)
        chunk = hak_chunk_claim_dirty(ret_granules);
    if (chunk != NULL) {
        *ret_large_pages = forget_large_pages_locked(chunk, *ret_granules);
        hak_retain_given_back(&retained, hak_granules_bytes(*ret_granules));
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
        hak_chunk_vacate(chunk, claimed);
        purge_refused = purged != claimed;
        hak_lock_drop(HAK_LOCK_SPANS);
        bytes += hak_granules_bytes(purged);
        if (purged != claimed)
            break; // asking again would not end
    }
    return bytes;
}

// To be unmapped.
static void remove_locked(struct hak_chunk *chunk)
{
    hak_retain_given_back(&retained, hak_granules_bytes(hak_chunk_dirty(chunk)));
    hak_chunk_remove(chunk);
}

// Takes a wholly free chunk off the lists, when more than `keep_bytes` are free in all.
static struct hak_chunk *claim_free_chunk(size_t keep_bytes)
{
    struct hak_chunk *chunk = NULL;
    hak_lock_take(HAK_LOCK_SPANS);
    if (hak_chunk_totals().free_bytes > keep_bytes)
        chunk = hak_chunk_wholly_free();
    if (chunk != NULL)
        remove_locked(chunk);
    hak_lock_drop(HAK_LOCK_SPANS);
    return chunk;
}

static size_t unmap_free_chunks(size_t keep_bytes)
{
    size_t unmapped = 0;
    for (struct hak_chunk *chunk; (chunk = claim_free_chunk(keep_bytes)) != NULL;) {
        size_t bytes = unmap_chunk(chunk);
        if (bytes == 0)
            break; // the kernel refuses: asking again would not end
        unmapped += bytes;
    }
    return unmapped;
}

unsigned hak_span_purge_excess(unsigned patience_ms)
{
    hak_lock_take(HAK_LOCK_SPANS);
    size_t bound = dirty_bound_locked();
    uint64_t waited_ms = note_excess_locked(bound);
    bool waits = excess_ms != 0;
    bool looks_again = waits && waited_ms < patience_ms;
    if (patience_ms > 0)
        janitor_looks = looks_again;
    if (!looks_again)
        excess_ms = 0; // what begins to exceed while this goes has its own time
    hak_lock_drop(HAK_LOCK_SPANS);
    if (looks_again)
        return patience_ms - (unsigned)waited_ms;
    if (waits) {
        unmap_free_chunks(2 * bound);
        purge_to(bound / 2); // the rest has not been needed any more than what exceeds
    }
    return 0;
}

// A new chunk comes before another node's memory: a slab keeps its span, and mostly its threads,
// for long.  But distant memory is better than none.
bool hak_span_take(unsigned granules, bool large, struct hak_span *ret_span)
{
    HAK_ASSERT(granules > 0 && granules <= HAK_SLAB_MAX_GRANULES);
    unsigned node = hak_os_node();
    while (!take(granules, node, large, ret_span)) {
        hak_span_purge_excess(0); // what waits to be needed again is not
        if (!add_chunk(node))     // another thread may take the new chunk before us: try again
            return take_elsewhere(granules, node, large, ret_span);
    }
    return true;
}

void hak_span_give(const struct hak_span *span)
{
    struct hak_chunk *chunk = span->chunk;
    hak_granule_set bits = granules_of(span);
    hak_lock_take(HAK_LOCK_SPANS);
    HAK_CHECK((chunk->free & bits) == 0);
    hak_chunk_vacate(chunk, bits);
    size_t bound = dirty_bound_locked();
    struct hak_span_totals totals = hak_chunk_totals();
    bool is_late = note_excess_locked(bound) > LATE_MS;
    bool waits = excess_ms != 0 && !is_late;
    bool too_dirty = totals.dirty_bytes > bound && !purge_refused && !waits;
    bool surplus = hak_chunk_is_free(chunk) && totals.free_bytes > 2 * bound && !waits;
    bool rings = waits && !janitor_looks;
    janitor_looks |= rings;
    if (surplus)
        remove_locked(chunk);
    hak_lock_drop(HAK_LOCK_SPANS);
    if (rings)
        hak_bell_ring();
    if (surplus)
        unmap_chunk(chunk);
    if (too_dirty)
        purge_to(bound - bound / 8); // a batch, not at every give
}

void hak_span_expect_janitor(bool comes)
{
    hak_lock_take(HAK_LOCK_SPANS);
    has_janitor = comes;
    janitor_looks = false;
    size_t bound = dirty_bound_locked();
    hak_lock_drop(HAK_LOCK_SPANS);
    if (!comes)
        purge_to(bound); // what waits does so in vain
}

size_t hak_span_trim(void)
{
    size_t unmapped = unmap_free_chunks(0);
    return unmapped + purge_to(0);
}

void hak_span_tick(bool all)
{
    hak_lock_take(HAK_LOCK_SPANS);
    size_t least = all ? 0 : dirty_floor_locked();
    size_t keep = hak_retain_used(&retained, hak_chunk_totals().dirty_bytes, least);
    bool refused = purge_refused;
    hak_lock_drop(HAK_LOCK_SPANS);
    if (!refused)
        purge_to(keep);
}

struct hak_span_totals hak_span_totals(void)
{
    hak_lock_take(HAK_LOCK_SPANS);
    struct hak_span_totals now = hak_chunk_totals();
    hak_lock_drop(HAK_LOCK_SPANS);
    return now;
}

void hak_span_check(void)
{
    hak_lock_take(HAK_LOCK_SPANS);
    hak_chunk_check();
    hak_lock_drop(HAK_LOCK_SPANS);
}
