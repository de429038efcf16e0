#include "hak_os_boundary.h"
#include "hak_sweep.h"

enum {
    LEAST_GROWTH_BYTES = 2 * 1024 * 1024, // not worth the walk below this
    GROWTH_SHARE = 8,                     // of the bytes in use
    MAX_PATIENCE = 6,
};

_Static_assert(HAK_SLAB_MAX_PAGES == 128, "two words of purged pages");

static bool is_purged(const struct hak_slab *slab, unsigned page)
{
    return (slab->purged[page / 64] >> (page % 64) & 1) != 0;
}

// Whether blocks first .. last are all free.  Pre: first <= last < slab->blocks.
static bool all_free(const struct hak_slab *slab, unsigned first, unsigned last)
{
    for (unsigned word = first / 64; word <= last / 64; word++) {
        uint64_t wanted = UINT64_MAX;
        if (word == first / 64)
            wanted &= UINT64_MAX << (first % 64);
        if (word == last / 64)
            wanted &= hak_bits_below64(last % 64 + 1);
        if ((hak_slab_free_bits(slab, word) & wanted) != wanted)
            return false;
    }
    return true;
}

// The block that a byte of the slab belongs to.  A header counts as its block's.
static unsigned block_at(const struct hak_slab *slab, size_t byte)
{
    size_t first = (size_t)(slab->first_block - slab->span.base);
    size_t header = hak_class_stride(slab->size_class) - hak_class_usable(slab->size_class);
    if (byte + header < first)
        return 0;
    return (unsigned)((byte + header - first) / slab->stride);
}

// Whether the page holds free blocks only, and may have memory: not given back since it was used.
static bool can_purge(const struct hak_slab *slab, unsigned page, size_t page_bytes)
{
    unsigned first = block_at(slab, page * page_bytes);
    unsigned last = block_at(slab, (page + 1) * page_bytes - 1);
    if (first >= slab->fresh_index || is_purged(slab, page))
        return false;
    return all_free(slab, first, last < slab->blocks ? last : slab->blocks - 1u);
}

enum { LOAD_RUNS = 64 }; // with so many the rest of a call is cheap

// Runs of pages on their way to the kernel, and the slabs they lie in.
struct load {
    struct hak_os_range runs[LOAD_RUNS];
    struct hak_slab *slabs[LOAD_RUNS];
    unsigned count;
    size_t purged_bytes; // of all loads so far
};

static void mark_purged(struct hak_slab *slab, struct hak_os_range run)
{
    size_t page_bytes = hak_os_page_bytes();
    unsigned first = (unsigned)((size_t)((char *)run.start - slab->span.base) / page_bytes);
    for (unsigned page = first; page < first + run.bytes / page_bytes; page++)
        slab->purged[page / 64] |= (uint64_t)1 << (page % 64);
}

static void purge_load(struct load *load, struct hak_slab_owner *owner)
{
    unsigned done = hak_os_purge_each(load->runs, load->count);
    for (unsigned i = 0; i < done; i++) {
        mark_purged(load->slabs[i], load->runs[i]);
        load->purged_bytes += load->runs[i].bytes;
    }
    owner->sweep.refused |= done < load->count;
    load->count = 0;
}

// To be called before pages of the slab are given back.  Blocks that were never used may go too, if
// they have pages.
static void leave_large_pages(struct hak_slab *slab)
{
    if (!slab->span.present)
        return;
    hak_span_leave_large_pages(&slab->span);
    slab->span.present = false;
    slab->fresh_index = slab->blocks;
}

static void sweep_slab(struct hak_slab *slab, struct load *load)
{
    size_t page_bytes = hak_os_page_bytes();
    unsigned pages = (unsigned)(slab->span.granules * (size_t)HAK_GRANULE_BYTES / page_bytes);
    for (unsigned page = 0; page < pages && !slab->owner->sweep.refused; page++) {
        if (!can_purge(slab, page, page_bytes))
            continue;
        leave_large_pages(slab);
        unsigned run = 1;
        while (page + run < pages && can_purge(slab, page + run, page_bytes))
            run++;
        load->slabs[load->count] = slab;
        load->runs[load->count++] = (struct hak_os_range){slab->span.base + page * page_bytes,
                                                          run * page_bytes};
        if (load->count == LOAD_RUNS)
            purge_load(load, slab->owner);
        page += run;
    }
}

size_t hak_sweep(struct hak_slab_owner *owner)
{
    struct load load = {.count = 0};
    owner->sweep.refused = false;
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        for (struct hak_slab *slab = owner->usable[size_class]; slab != NULL; slab = slab->next) {
            if ((size_t)slab->free_blocks * slab->stride >= hak_os_page_bytes())
                sweep_slab(slab, &load);
        }
    }
    purge_load(&load, owner);
    struct hak_sweep *sweep = &owner->sweep;
    bool too_early = sweep->retaken_bytes > sweep->purged_bytes / 4;
    if (too_early && sweep->patience < MAX_PATIENCE)
        sweep->patience++;
    else if (!too_early && sweep->patience > 0)
        sweep->patience--;
    sweep->purged_bytes = load.purged_bytes;
    sweep->retaken_bytes = 0;
    sweep->settled_free_bytes = owner->free_bytes;
    return load.purged_bytes;
}

bool hak_sweep_due(struct hak_slab_owner *owner)
{
    struct hak_sweep *sweep = &owner->sweep;
    if (owner->free_bytes < sweep->settled_free_bytes)
        sweep->settled_free_bytes = owner->free_bytes;
    size_t due = (owner->span_bytes - owner->free_bytes) / GROWTH_SHARE;
    if (due < LEAST_GROWTH_BYTES)
        due = LEAST_GROWTH_BYTES;
    return !sweep->refused &&
           owner->free_bytes - sweep->settled_free_bytes > due << sweep->patience;
}

void hak_sweep_retake(struct hak_slab *slab, unsigned first, unsigned end)
{
    size_t page_bytes = hak_os_page_bytes();
    size_t from = (size_t)(hak_slab_block(slab, first) - slab->span.base);
    size_t to = (size_t)(hak_slab_block(slab, end - 1) - slab->span.base) + slab->stride;
    from -= from > 0; // its header may lie on the page before
    for (unsigned page = (unsigned)(from / page_bytes); page <= (to - 1) / page_bytes; page++) {
        if (!is_purged(slab, page))
            continue;
        slab->purged[page / 64] &= ~((uint64_t)1 << (page % 64));
        slab->owner->sweep.retaken_bytes += page_bytes;
    }
}
