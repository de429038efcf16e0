// Heaps whose thread has ended: what others free comes home, what they keep goes in the end.
#include "heap_tools.h"

TestSuite(idle_heaps, .init = cold);

static void *blocks[BLOCKS];

static void *leave_blocks(void *ret_heap)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = alloc(TINY);
    return note_heap(ret_heap);
}

// As a thread frees that has no heap, and gets none.
static void send_home(void *block)
{
    unsigned index;
    struct hak_slab *slab = hak_front_locate(block, &index);
    hak_remote_put(slab, index / 64, (uint64_t)1 << (index % 64));
}

static void *expect_blocks_again(void *heap)
{
    unsigned found = 0;
    expect(hak_heap_get() == heap && !hak_remote_pending(&hak_heap_self->owner), "drained");
    size_t slabs = hak_heap_self->owner.slabs.slabs;
    for (unsigned i = 0; i < 3 * BLOCKS; i++) {
        void *block = alloc(TINY);
        for (unsigned j = 0; j < BLOCKS; j++)
            found += block == blocks[j];
    }
    expect(found == BLOCKS, "%u blocks came back, %zu slabs", found, slabs);
    return NULL;
}

Test(idle_heaps, blocks_freed_meanwhile_are_the_adopters)
{
    struct hak_heap *heap;
    run(leave_blocks, &heap);
    for (unsigned i = 0; i < BLOCKS; i++)
        send_home(blocks[i]);
    expect(!hak_heap_is_bound(hak_heap_self) && hak_remote_pending(&heap->owner));
    run(expect_blocks_again, heap);
}

Test(idle_heaps, they_are_drained_by_others)
{
    struct hak_heap *heap;
    run(leave_blocks, &heap);
    expect(heap->owner.slabs.slabs > 0);
    for (unsigned i = 0; i < BLOCKS; i++)
        send_home(blocks[i]);
    expect(hak_remote_pending(&heap->owner));
    uint64_t purges = hak_os_counts().purge;
    hak_heap_tidy_idle(0);
    expect(hak_os_counts().purge > purges, "and gives back what became free");
    expect(!hak_remote_pending(&heap->owner) && heap->state == HAK_HEAP_IDLE);
    hak_heap_check(heap);
    // One block of leave_blocks' own is still live.
    expect(heap->owner.slabs.slabs == 1, "%zu slabs", heap->owner.slabs.slabs);
    struct hak_heap *adopted;
    run(note_heap, &adopted);
    expect(adopted == heap);
}

// A thread ends after others freed all but every 32nd of the `count` blocks that an idle heap left.
static struct hak_heap *end_one_while_another_waits(void *(*leave)(void *), void **left,
                                                    unsigned count)
{
    struct hak_heap *heap;
    struct guest guest;
    let_in(&guest, alloc_and_stay);
    run(leave, &heap);
    for (unsigned i = 0; i < count; i++) {
        if (i % 32 != 0)
            send_home(left[i]);
    }
    expect(heap != guest.heap && hak_remote_pending(&heap->owner));
    let_out(&guest);
    expect(!hak_remote_pending(&heap->owner));
    expect(heap->state == HAK_HEAP_IDLE && guest.heap->state == HAK_HEAP_IDLE);
    return heap;
}

Test(idle_heaps, they_are_drained_when_a_thread_ends)
{
    struct hak_heap *heap = end_one_while_another_waits(leave_blocks, blocks, BLOCKS);
    expect(heap->unswept_bytes > 0 && hak_os_counts().purge == 0, "not worth a sweep yet");
}

enum { MANY = 2000 };
static void *many_blocks[MANY];

static void *leave_many_blocks(void *ret_heap)
{
    for (unsigned i = 0; i < MANY; i++)
        many_blocks[i] = alloc(24);
    return note_heap(ret_heap);
}

Test(idle_heaps, many_blocks_that_come_home_are_swept_at_once)
{
    struct hak_heap *heap = end_one_while_another_waits(leave_many_blocks, many_blocks, MANY);
    expect(heap->unswept_bytes == 0 && hak_os_counts().purge > 0);
}

static void *leave_free_pages(void *ret_heap)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = alloc(24);
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (i % 32 != 0 && !hak_front_push(hak_heap_self, hak_class_bin(24), blocks[i]))
            hak_front_full(hak_heap_self, 24, blocks[i]);
    }
    return note_heap(ret_heap);
}

Test(idle_heaps, pages_wait_a_while_for_the_next_thread)
{
    struct hak_heap *heap;
    run(leave_free_pages, &heap);
    uint64_t purges = hak_os_counts().purge;
    hak_heap_check(heap);
    expect(hak_heap_unswept_bytes() == heap->owner.slabs.free_bytes && heap->unswept_bytes > 0);
    hak_fake_os_advance(999);
    hak_heap_tidy_idle(1000);
    expect(hak_os_counts().purge == purges && hak_heap_unswept_bytes() > 0);
    hak_fake_os_advance(1);
    hak_heap_tidy_idle(1000);
    expect(hak_os_counts().purge > purges && hak_heap_unswept_bytes() == 0);
    purges = hak_os_counts().purge;
    hak_heap_tidy_idle(0);
    expect(hak_os_counts().purge == purges, "once is enough");
    struct hak_heap *adopted;
    run(note_heap, &adopted);
    expect(adopted == heap && hak_heap_unswept_bytes() == 0, "nothing became free since");
}

static void *use_and_stay(void *guest)
{
    void *block = alloc(TINY);
    if (!hak_front_push(hak_heap_self, hak_class_bin(TINY), block))
        hak_front_full(hak_heap_self, TINY, block);
    return stay(guest);
}

Test(idle_heaps, a_few_keep_an_empty_slab)
{
    enum { CROWD = 8, WARM = 4 };
    struct guest guests[CROWD];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < CROWD; i++)
            let_in(&guests[i], use_and_stay);
        for (unsigned i = 0; i < CROWD; i++) {
            let_out(&guests[i]);
            expect(guests[i].heap->owner.slabs.slabs == (i < WARM), "%u in round %u", i, round);
        }
    }
    hak_heap_tidy_idle(0);
    for (unsigned i = 0; i < CROWD; i++)
        expect(guests[i].heap->owner.slabs.slabs == 0);
    let_in(&guests[0], use_and_stay);
    let_out(&guests[0]);
    expect(guests[0].heap->owner.slabs.slabs == 1, "though many are idle");
    hak_heap_tidy_idle(0);
    hak_span_trim();
    expect(hak_span_totals().chunks == 0);
}

enum { LARGEST_TINY = HAK_TINY_CLASSES - 1 };

static void free_every_other(unsigned first)
{
    for (unsigned i = first; i < BLOCKS; i += 2) {
        if (!hak_front_push(hak_heap_self, hak_class_bin(LARGEST_TINY), blocks[i]))
            hak_front_full(hak_heap_self, LARGEST_TINY, blocks[i]);
    }
    hak_front_empty(hak_heap_self);
}

static void *sweep_and_free_the_rest(void *ret_heap)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = alloc(LARGEST_TINY);
    free_every_other(0);
    hak_front_tidy(hak_heap_self);
    free_every_other(1);
    *(struct hak_heap **)ret_heap = hak_heap_self;
    return NULL;
}

// More was free at the last sweep than at the end: nothing is left to sweep, but to release.
Test(idle_heaps, an_empty_slab_of_a_swept_one_is_released_in_the_end)
{
    struct hak_heap *heap;
    run(sweep_and_free_the_rest, &heap);
    expect(heap->owner.slabs.slabs == 1 && heap->unswept_bytes == 0);
    hak_heap_tidy_idle(0);
    expect(heap->owner.slabs.slabs == 0);
}
