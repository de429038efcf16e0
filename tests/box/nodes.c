// Memory nodes: where spans, large blocks and slabs come from, over a scripted topology.
#include "fake_calls.h"
#include "hak_bigcache.h"
#include "hak_front.h"
#include "hak_large.h"
#include "hak_option.h"
#include "hak_span.h"
#include "small_registry.h"

#include <pthread.h>

enum { KIB = 1024, MIB = 1024 * 1024, GRANULE = HAK_GRANULE_BYTES, MIB_GRANULES = 16 };

static void four_nodes(void)
{
    small_registry();
    hak_options.numa = 1;
    hak_options.prewarm = 0;
    hak_fake_os_nodes(4);
}

TestSuite(nodes, .init = four_nodes);

static struct hak_span take_on(unsigned node, unsigned granules)
{
    struct hak_span span = {0};
    hak_fake_os_move(node);
    expect(hak_span_take(granules, false, &span));
    hak_span_check();
    return span;
}

static void expect_on(unsigned node, const void *p)
{
    unsigned found = hak_fake_os_node_of(p);
    expect(found == node, "%p is on node %u, not %u", p, found, node);
}

// --- spans

static void take_on_each(void *nodes)
{
    unsigned count = *(unsigned *)nodes;
    hak_fake_os_nodes(count);
    for (unsigned i = 0; i < 200; i++)
        expect_on(i % count, take_on(i % count, 1 + i % HAK_SLAB_MAX_GRANULES).base);
    hak_span_trim();
    hak_span_check();
}

Test(nodes, spans_come_from_the_callers_node)
{
    unsigned two = 2, four = 4, most = HAK_OS_MAX_NODES;
    succeed_in_child(take_on_each, &two);
    succeed_in_child(take_on_each, &four);
    succeed_in_child(take_on_each, &most);
}

Test(nodes, free_memory_waits_for_its_own_node)
{
    struct hak_span far = take_on(1, 8);
    hak_span_give(&far);
    expect(take_on(0, 8).chunk != far.chunk);
    expect(take_on(1, 8).base == far.base);
}

Test(nodes, all_nodes_are_trimmed)
{
    struct hak_span spans[4];
    for (unsigned node = 0; node < 4; node++)
        spans[node] = take_on(node, 8);
    for (unsigned node = 0; node < 4; node++)
        hak_span_give(&spans[node]);
    hak_span_trim();
    hak_span_check();
    expect(hak_span_totals().chunks == 0);
}

Test(nodes, another_nodes_memory_is_better_than_none)
{
    struct hak_span far = take_on(1, 1), near, more;
    hak_fake_os_fail(0, UINT_MAX);
    for (unsigned i = 1; i < MIB_GRANULES; i++) {
        near = take_on(i % 4, 1);
        expect(near.chunk == far.chunk, "span %u", i);
    }
    expect(!hak_span_take(1, false, &more) && hak_span_totals().free_bytes == 0);
    hak_fake_os_fail(0, 0);
    expect_on(2, take_on(2, 1).base);
}

Test(nodes, where_placing_is_refused_nodes_still_keep_apart)
{
    take_on(0, 1); // the metadata have their mapping now
    hak_fake_os_fail(1, 1);
    struct hak_span first = take_on(1, 1);
    expect_on(FAKE_OS_NOWHERE, first.base);
    expect(take_on(1, 1).chunk == first.chunk && take_on(2, 1).chunk != first.chunk);
}

static void take_and_give(bool may_fail)
{
    struct hak_span spans[40];
    unsigned taken = 0;
    for (unsigned i = 0; i < 40; i++) {
        hak_fake_os_move(i % 4);
        if (hak_span_take(1 + i % HAK_SLAB_MAX_GRANULES, false, &spans[taken]))
            taken++;
        else
            expect(may_fail);
        hak_span_check();
    }
    while (taken > 0)
        hak_span_give(&spans[--taken]);
    hak_span_trim();
    hak_span_check();
    expect(hak_span_totals().chunks == 0 || may_fail);
}

Test(nodes, each_call_may_fail)
{
    expect(fail_each_call(take_and_give) >= 12);
    expect_no_loss(take_and_give);
}

static void *stay_on(void *node)
{
    struct dice dice = {(uintptr_t)node + 1};
    struct hak_span live[20] = {0};
    hak_fake_os_move((unsigned)(uintptr_t)node);
    for (unsigned step = 0; step < 5000; step++) {
        struct hak_span *span = &live[dice_roll(&dice, 20)];
        if (span->base != NULL) {
            hak_span_give(span);
            span->base = NULL;
        } else {
            expect(hak_span_take(1 + dice_roll(&dice, 8), false, span));
            expect_on((unsigned)(uintptr_t)node, span->base);
        }
    }
    return NULL;
}

Test(nodes, threads_of_different_nodes_share_no_memory)
{
    pthread_t threads[3];
    for (uintptr_t node = 0; node < 3; node++)
        expect(pthread_create(&threads[node], NULL, stay_on, (void *)node) == 0);
    for (unsigned node = 0; node < 3; node++)
        pthread_join(threads[node], NULL);
    hak_span_check();
}

// --- heaps

enum { CLASS = 30, ROUND = 200 }; // more blocks than a slab of the class has

static void *blocks[2 * ROUND];

static void alloc_on(unsigned node, void **ret_blocks)
{
    bool zero;
    hak_fake_os_move(node);
    for (unsigned i = 0; i < ROUND; i++) {
        ret_blocks[i] = hak_front_alloc(hak_heap_get(), CLASS, &zero);
        expect(ret_blocks[i] != NULL);
    }
    hak_heap_check(hak_heap_self);
}

// What was begun on the first node is used up; then all is the second's.
static void expect_change(unsigned from, unsigned to)
{
    unsigned i = 0;
    while (i < 2 * ROUND && hak_fake_os_node_of(blocks[i]) == from)
        i++;
    expect(i >= ROUND && i < 2 * ROUND, "the change is at %u", i);
    for (; i < 2 * ROUND; i++)
        expect_on(to, blocks[i]);
}

Test(nodes, a_thread_that_moves_gets_its_next_slabs_there)
{
    expect(ROUND > hak_class_blocks(CLASS));
    alloc_on(3, blocks);
    alloc_on(1, blocks + ROUND);
    expect_change(3, 1);
}

struct visit {
    unsigned node;
    void **ret_blocks;
    struct hak_heap *heap;
};

static void *allocate(void *argument)
{
    struct visit *visit = argument;
    alloc_on(visit->node, visit->ret_blocks);
    visit->heap = hak_heap_self;
    return NULL;
}

Test(nodes, an_adopted_heap_grows_on_the_adopters_node)
{
    struct visit first = {1, blocks, NULL}, second = {2, blocks + ROUND, NULL};
    pthread_t thread;
    expect(pthread_create(&thread, NULL, allocate, &first) == 0 && pthread_join(thread, NULL) == 0);
    expect(pthread_create(&thread, NULL, allocate, &second) == 0 &&
           pthread_join(thread, NULL) == 0);
    expect(first.heap == second.heap);
    expect_change(1, 2);
}

// --- large blocks

static char *alloc_large(unsigned node, size_t bytes)
{
    bool zero = false;
    hak_fake_os_move(node);
    char *p = hak_large_alloc(bytes, 1, &zero);
    expect(p != NULL);
    return p;
}

Test(nodes, large_blocks_come_from_the_callers_node)
{
    for (unsigned i = 0; i < 8; i++)
        expect_on(i % 4, alloc_large(i % 4, 1 * MIB));
    hak_options.numa = HAK_OPTION_INTERLEAVE;
    expect_on(HAK_OS_EACH_NODE, alloc_large(1, 1 * MIB));
    expect_on(1, take_on(1, 1).base);
}

Test(nodes, a_large_block_that_cannot_be_placed_is_as_good)
{
    hak_large_free(alloc_large(0, 1 * MIB)); // tables and metadata have their mappings now
    hak_bigcache_trim();
    hak_fake_os_fail(HAK_HARDENED_FULLY ? 2 : 1, 1); // after the mapping and its guard
    char *p = alloc_large(1, 1 * MIB);
    expect_on(FAKE_OS_NOWHERE, p);
    expect(is_filled(p, 0, 1 * MIB));
    hak_large_free(p);
}

// The kernel would not move a block whose halves are on different nodes.
Test(nodes, kept_memory_merges_within_a_node)
{
    if (is_impl("none"))
        return; // keeps nothing
    for (unsigned i = 0; i < 4; i++) {
        char *start = hak_os_map(2 * MIB, GRANULE);
        unsigned second = 1 + i / 2; // the placement of the second half
        struct hak_mapping halves[] = {{start, MIB, 1}, {start + MIB, MIB, second}};
        expect(hak_bigcache_put(halves[i % 2]) && hak_bigcache_put(halves[1 - i % 2]));
        struct hak_mapping merged = {0}, half = {0};
        expect(hak_bigcache_take(2 * MIB, 1, &merged) == (second == 1));
        if (second == 1)
            expect(merged.placed == 1 && hak_bigcache_put(merged));
        expect(hak_bigcache_take(MIB, 1, &half) && half.bytes == MIB);
        expect(half.placed == (half.start == start ? 1 : second), "placed %u", half.placed);
        hak_os_discard(half.start, half.bytes);
        hak_bigcache_trim();
    }
}

Test(nodes, a_block_keeps_its_node_when_it_moves)
{
    if (is_impl("none") || HAK_HARDENED_FULLY)
        return; // freed blocks are not kept
    char *p = hak_large_resize(alloc_large(2, 1 * MIB), 3 * MIB);
    expect(p != NULL);
    hak_large_free(p);
    struct hak_mapping kept;
    expect(hak_bigcache_take(3 * MIB, 1, &kept) && kept.start == p && kept.placed == 1 + 2);
}

// --- no choice

static void expect_nothing_is_placed(void)
{
    struct hak_span span = take_on(0, 1);
    expect(take_on(1, 1).chunk == span.chunk);
    expect_on(FAKE_OS_NOWHERE, span.base);
    expect_on(FAKE_OS_NOWHERE, alloc_large(1, 1 * MIB));
    expect(hak_os_counts().place == 1, "the chunk's small pages");
}

Test(nodes, nothing_is_placed_when_it_is_switched_off)
{
    hak_options.numa = 0;
    expect_nothing_is_placed();
}

Test(nodes, nothing_is_placed_where_there_is_one_node)
{
    hak_fake_os_nodes(1);
    expect_nothing_is_placed();
}
