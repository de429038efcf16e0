// Chunks in lists by memory node and longest free run.
//
// INV a chunk with a free granule is in its node's list of its longest run (runs of 8 and more
//     share one); a full chunk is in list 0.
// INV a chunk with dirty granules is in the dirty queue, the one that got dirty first in front.
// INV what is used is present.
// INV totals equal the sums over all chunks.
#include "hak_chunk.h"
#include "hak_os_boundary.h"

static struct hak_link dirty_queue = {&dirty_queue, &dirty_queue};
static struct hak_chunk *lists[HAK_OS_MAX_NODES][HAK_SLAB_MAX_GRANULES + 1];
static struct hak_span_totals totals;

struct hak_span_totals hak_chunk_totals(void)
{
    return totals;
}

static void list(struct hak_chunk *chunk)
{
    chunk->longest_run = hak_granules_longest_run(chunk->free);
    struct hak_chunk **head = &lists[chunk->node][chunk->longest_run];
    chunk->previous = NULL;
    chunk->next = *head;
    if (*head != NULL)
        (*head)->previous = chunk;
    *head = chunk;
}

static void unlist(struct hak_chunk *chunk)
{
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        lists[chunk->node][chunk->longest_run] = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
}

static void relist(struct hak_chunk *chunk)
{
    if (hak_granules_longest_run(chunk->free) == chunk->longest_run)
        return;
    unlist(chunk);
    list(chunk);
}

static void queue_dirty(struct hak_chunk *chunk)
{
    if (chunk->queued)
        return;
    chunk->queued = true;
    hak_list_insert(&dirty_queue, &chunk->in_queue);
}

static void unqueue_dirty(struct hak_chunk *chunk)
{
    if (!chunk->queued)
        return;
    chunk->queued = false;
    hak_list_remove(&chunk->in_queue);
}

// The chunk that has been dirty longest, or NULL.
static struct hak_chunk *first_dirty(void)
{
    while (!hak_list_is_empty(&dirty_queue)) {
        struct hak_chunk *chunk = HAK_LIST_ENTRY(dirty_queue.next, struct hak_chunk, in_queue);
        if (hak_chunk_dirty(chunk) != 0)
            return chunk;
        unqueue_dirty(chunk); // its granules were taken meanwhile
    }
    return NULL;
}

void hak_chunk_add(struct hak_chunk *chunk)
{
    list(chunk);
    totals.chunks++;
    totals.chunk_bytes += hak_chunk_bytes(chunk);
    totals.free_bytes += hak_chunk_bytes(chunk);
    totals.dirty_bytes += hak_granules_bytes(hak_chunk_dirty(chunk));
    if (hak_chunk_dirty(chunk) != 0)
        queue_dirty(chunk);
}

void hak_chunk_remove(struct hak_chunk *chunk)
{
    unlist(chunk);
    unqueue_dirty(chunk);
    totals.chunks--;
    totals.chunk_bytes -= hak_chunk_bytes(chunk);
    totals.free_bytes -= hak_chunk_bytes(chunk);
    totals.dirty_bytes -= hak_granules_bytes(hak_chunk_dirty(chunk));
}

struct hak_chunk *hak_chunk_tightest(unsigned node, unsigned granules)
{
    struct hak_chunk *chunk = NULL;
    for (unsigned run = granules; chunk == NULL && run <= HAK_SLAB_MAX_GRANULES; run++)
        chunk = lists[node][run];
    return chunk;
}

struct hak_chunk *hak_chunk_wholly_free(void)
{
    struct hak_chunk *chunk = NULL;
    for (unsigned node = 0; chunk == NULL && node < HAK_OS_MAX_NODES; node++) {
        for (chunk = lists[node][HAK_SLAB_MAX_GRANULES];
             chunk != NULL && !hak_chunk_is_free(chunk);)
            chunk = chunk->next;
    }
    return chunk;
}

void hak_chunk_occupy(struct hak_chunk *chunk, hak_granule_set granules)
{
    totals.free_bytes -= hak_granules_bytes(granules);
    totals.dirty_bytes -= hak_granules_bytes(granules & chunk->present);
    chunk->free &= ~granules;
    relist(chunk);
}

void hak_chunk_vacate(struct hak_chunk *chunk, hak_granule_set granules)
{
    totals.free_bytes += hak_granules_bytes(granules);
    totals.dirty_bytes += hak_granules_bytes(granules & chunk->present);
    chunk->free |= granules;
    relist(chunk);
    if (hak_chunk_dirty(chunk) != 0)
        queue_dirty(chunk);
}

struct hak_chunk *hak_chunk_claim_dirty(hak_granule_set *ret_granules)
{
    struct hak_chunk *chunk = first_dirty();
    if (chunk != NULL) {
        unqueue_dirty(chunk);
        *ret_granules = hak_chunk_dirty(chunk);
        hak_chunk_occupy(chunk, *ret_granules);
    }
    return chunk;
}

static void check_list(unsigned node, unsigned run, struct hak_span_totals *sum)
{
    for (const struct hak_chunk *chunk = lists[node][run]; chunk != NULL; chunk = chunk->next) {
        HAK_CHECK(chunk->node == node && chunk->longest_run == run &&
                  hak_granules_longest_run(chunk->free) == run);
        HAK_CHECK((chunk->free & ~hak_granules_below(chunk->granules)) == 0);
        HAK_CHECK((chunk->used & ~chunk->present) == 0);
        HAK_CHECK(chunk->next == NULL || chunk->next->previous == chunk);
        sum->chunks++;
        sum->chunk_bytes += hak_chunk_bytes(chunk);
        sum->free_bytes += hak_granules_bytes(chunk->free);
        sum->dirty_bytes += hak_granules_bytes(hak_chunk_dirty(chunk));
        HAK_CHECK(chunk->queued || hak_chunk_dirty(chunk) == 0);
    }
}

void hak_chunk_check(void)
{
    struct hak_span_totals sum = {0};
    for (unsigned node = 0; node < HAK_OS_MAX_NODES; node++) {
        for (unsigned run = 0; run <= HAK_SLAB_MAX_GRANULES; run++)
            check_list(node, run, &sum);
    }
    HAK_CHECK(sum.chunks == totals.chunks && sum.chunk_bytes == totals.chunk_bytes &&
              sum.free_bytes == totals.free_bytes && sum.dirty_bytes == totals.dirty_bytes);
}
