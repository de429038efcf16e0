// The life of heaps: bound, given back, adopted; fork.
#include "hak_lock.h"
#include "heap_tools.h"

#include <semaphore.h>

TestSuite(heap, .init = cold);

// --- binding

Test(heap, at_first_there_is_none)
{
    void *block = NULL;
    expect(hak_heap_self == HAK_HEAP_NONE && !hak_heap_is_bound(hak_heap_self));
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        expect(!hak_front_pop(HAK_HEAP_NONE, hak_class_bin(size_class), &block));
        expect(!hak_front_push(HAK_HEAP_NONE, hak_class_bin(size_class), &block));
    }
    expect(hak_heap_none.owner.slabs.tag == 0);
}

Test(heap, binding_happens_once)
{
    struct hak_heap *heap = hak_heap_get();
    expect(heap != NULL && heap == hak_heap_self && hak_heap_is_bound(heap));
    expect(heap->owner.slabs.tag >> HAK_ENTRY_OWNER_SHIFT != 0);
    expect((heap->owner.slabs.tag & HAK_ENTRY_OFFSET_MASK) == 0);
    expect(hak_heap_get() == heap && heap->state == HAK_HEAP_BOUND);
    expect(hak_heap_bind() == heap && hak_heaps_bound() == 1, "a signal handler may be first");
    expect(hak_heap_bin(heap, 3 << HAK_BIN_SHIFT) == &heap->bins[3]);
}

static void bind_unless_out(bool may_fail)
{
    struct hak_heap *heap = hak_heap_get();
    expect(heap == NULL ? may_fail && hak_heap_self == HAK_HEAP_NONE : hak_heap_self == heap);
    if (heap == NULL)
        return;
    void *blocks[2 * HAK_CLASS_COUNT];
    bool zero;
    for (unsigned i = 0; i < 2 * HAK_CLASS_COUNT; i += 3) {
        blocks[i] = hak_front_alloc(heap, i / 2, &zero);
        hak_heap_check(heap);
        expect(blocks[i] != NULL || may_fail);
    }
    for (unsigned i = 0; i < 2 * HAK_CLASS_COUNT; i += 3) {
        if (blocks[i] != NULL && !hak_front_push(heap, hak_class_bin(i / 2), blocks[i]))
            hak_front_full(heap, i / 2, blocks[i]);
        hak_heap_check(heap);
    }
    hak_front_empty(heap);
    hak_slab_trim(&heap->owner.slabs);
    hak_span_trim();
    hak_span_check();
    expect(heap->owner.slabs.slabs == 0 && (hak_span_totals().chunks == 0 || may_fail));
}

Test(heap, each_call_may_fail)
{
    expect(fail_each_call(bind_unless_out) >= 5);
}

Test(heap, each_call_may_fail_while_prewarming)
{
    hak_options.prewarm = 1;
    expect(fail_each_call(bind_unless_out) >= 5);
}

// --- threads end, heaps stay

Test(heap, the_next_thread_adopts_the_last_ones_heap)
{
    struct hak_heap *heaps[20];
    expect(hak_heap_get() != NULL);
    for (unsigned i = 0; i < 20; i++) {
        run(note_heap, &heaps[i]);
        expect(heaps[i] == heaps[0] && heaps[i] != hak_heap_self);
        expect(heaps[i]->state == HAK_HEAP_IDLE);
    }
}

enum { CROWD = 8 };
static sem_t arrived, may_leave;

static void *note_heap_and_wait(void *ret_heap)
{
    note_heap(ret_heap);
    sem_post(&arrived);
    sem_wait(&may_leave);
    return NULL;
}

Test(heap, threads_at_one_time_have_heaps_of_their_own)
{
    struct hak_heap *heaps[2][CROWD];
    pthread_t threads[CROWD];
    sem_init(&arrived, 0, 0);
    sem_init(&may_leave, 0, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            expect(pthread_create(&threads[i], NULL, note_heap_and_wait, &heaps[round][i]) == 0);
            sem_wait(&arrived);
            for (unsigned j = 0; j < i; j++)
                expect(heaps[round][i] != heaps[round][j] &&
                       heaps[round][i]->owner.slabs.tag != heaps[round][j]->owner.slabs.tag);
        }
        for (unsigned i = 0; i < CROWD; i++)
            sem_post(&may_leave);
        for (unsigned i = 0; i < CROWD; i++)
            pthread_join(threads[i], NULL);
    }
    unsigned known = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        for (unsigned j = 0; j < CROWD; j++)
            known += heaps[1][i] == heaps[0][j];
    }
    expect(known == CROWD, "the second crowd uses the heaps of the first");
}

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

Test(heap, blocks_freed_while_a_heap_is_idle_are_its_adopters)
{
    struct hak_heap *heap;
    run(leave_blocks, &heap);
    for (unsigned i = 0; i < BLOCKS; i++)
        send_home(blocks[i]);
    expect(!hak_heap_is_bound(hak_heap_self) && hak_remote_pending(&heap->owner));
    run(expect_blocks_again, heap);
}

Test(heap, idle_heaps_are_drained_by_others)
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
    struct hak_heap *heaps[2];
    pthread_t thread;
    sem_init(&arrived, 0, 0);
    sem_init(&may_leave, 0, 0);
    expect(pthread_create(&thread, NULL, note_heap_and_wait, &heaps[1]) == 0);
    sem_wait(&arrived);
    run(leave, &heaps[0]);
    for (unsigned i = 0; i < count; i++) {
        if (i % 32 != 0)
            send_home(left[i]);
    }
    expect(heaps[0] != heaps[1] && hak_remote_pending(&heaps[0]->owner));
    sem_post(&may_leave);
    pthread_join(thread, NULL);
    expect(!hak_remote_pending(&heaps[0]->owner));
    expect(heaps[0]->state == HAK_HEAP_IDLE && heaps[1]->state == HAK_HEAP_IDLE);
    return heaps[0];
}

Test(heap, idle_heaps_are_drained_when_a_thread_ends)
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

Test(heap, many_blocks_that_come_home_to_an_idle_heap_are_swept_at_once)
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

Test(heap, pages_of_an_ended_thread_wait_a_while_for_the_next)
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

struct guest {
    pthread_t thread;
    struct hak_heap *heap;
    sem_t may_leave;
};

static void *use_and_wait(void *argument)
{
    struct guest *guest = argument;
    void *block = alloc(TINY);
    if (!hak_front_push(hak_heap_self, hak_class_bin(TINY), block))
        hak_front_full(hak_heap_self, TINY, block);
    guest->heap = hak_heap_self;
    sem_post(&arrived);
    sem_wait(&guest->may_leave);
    return NULL;
}

Test(heap, a_few_idle_heaps_keep_an_empty_slab)
{
    enum { WARM = 4 };
    struct guest guests[CROWD];
    sem_init(&arrived, 0, 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            sem_init(&guests[i].may_leave, 0, 0);
            expect(pthread_create(&guests[i].thread, NULL, use_and_wait, &guests[i]) == 0);
            sem_wait(&arrived);
        }
        for (unsigned i = 0; i < CROWD; i++) {
            sem_post(&guests[i].may_leave);
            pthread_join(guests[i].thread, NULL);
            expect(guests[i].heap->owner.slabs.slabs == (i < WARM), "%u in round %u", i, round);
        }
    }
    hak_heap_tidy_idle(0);
    for (unsigned i = 0; i < CROWD; i++)
        expect(guests[i].heap->owner.slabs.slabs == 0);
    sem_post(&guests[0].may_leave);
    run(use_and_wait, &guests[0]);
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
Test(heap, an_empty_slab_of_a_swept_heap_is_released_in_the_end)
{
    struct hak_heap *heap;
    run(sweep_and_free_the_rest, &heap);
    expect(heap->owner.slabs.slabs == 1 && heap->unswept_bytes == 0);
    hak_heap_tidy_idle(0);
    expect(heap->owner.slabs.slabs == 0);
}

static void *fill_caches(void *ret_heap)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class += 5) {
        for (unsigned i = 0; i < 10; i++)
            blocks[i] = alloc(size_class);
        for (unsigned i = 0; i < 10; i++) {
            if (!hak_front_push(hak_heap_self, hak_class_bin(size_class), blocks[i]))
                hak_front_full(hak_heap_self, size_class, blocks[i]);
        }
    }
    *(struct hak_heap **)ret_heap = hak_heap_self;
    return NULL;
}

Test(heap, an_ended_thread_keeps_nothing)
{
    struct hak_heap *heap;
    run(fill_caches, &heap);
    hak_heap_check(heap);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++)
        expect(heap->bins[size_class].slots == 0 && cached(heap, size_class) == 0);
    expect(heap->owner.slabs.slabs == 0 && heap->outbox_count == 0 && heap->room.extra_bytes == 0);
    hak_span_trim();
    expect(hak_span_totals().chunks == 0);
}

// Destructors of keys made after hakmem's run after its own: they find no heap and bind one anew.
static void allocate_late(void *rounds)
{
    alloc(TINY);
    expect(hak_heap_self->state == HAK_HEAP_BOUND, "it is somebody else's by now");
    (void)rounds;
}

static void *allocate_now_and_late(void *key)
{
    alloc(TINY);
    pthread_setspecific(*(pthread_key_t *)key, "allocate late");
    return hak_heap_self;
}

Test(heap, destructors_that_allocate_lose_no_heap)
{
    expect(hak_heap_get() != NULL); // hakmem's key is made
    pthread_key_t key;
    expect(pthread_key_create(&key, allocate_late) == 0);
    void *heaps[30];
    unsigned different = 0;
    for (unsigned i = 0; i < 30; i++) {
        pthread_t thread;
        expect(pthread_create(&thread, NULL, allocate_now_and_late, &key) == 0);
        pthread_join(thread, &heaps[i]);
        bool seen = false;
        for (unsigned j = 0; j < i; j++)
            seen = seen || heaps[j] == heaps[i];
        different += !seen;
        expect(((struct hak_heap *)heaps[i])->state == HAK_HEAP_IDLE);
    }
    expect(different == 1, "%u heaps", different);
}

// --- fork

static struct hak_heap *bound_heap;

static void adopt_in_child(void *expected)
{
    hak_heap_after_fork();
    hak_lock_drop_all();
    struct hak_heap *own = hak_heap_self;
    expect(own->state == HAK_HEAP_BOUND);
    alloc(TINY);
    hak_heap_self = HAK_HEAP_NONE; // as another thread of the child would begin
    struct hak_heap *adopted = hak_heap_bind();
    expect((adopted == bound_heap) == (expected != NULL) && adopted != own);
    alloc(TINY);
    alloc(POOL);
}

Test(heap, a_forked_child_mends_a_bin_that_was_left_in_a_hit)
{
    for (unsigned left = 1; left <= 3; left++) {
        struct hak_heap *heap = hak_heap_get();
        struct hak_bin *bin = &heap->bins[TINY];
        void *block = alloc(TINY);
        expect(hak_front_push(heap, hak_class_bin(TINY), block));
        while (hak_bin_cached(bin) > left)
            expect(hak_front_pop(heap, hak_class_bin(TINY), &block));
        bin->top--; // as between the two stores of a pop
        hak_lock_take_all();
        hak_heap_self = HAK_HEAP_NONE; // its thread does not exist in the child
        hak_heap_after_fork();
        hak_lock_drop_all();
        expect(hak_heap_bind() == heap && hak_bin_cached(bin) == left - 1);
        hak_heap_check(heap);
        alloc(TINY);
    }
}

Test(heap, a_forked_child_adopts_the_heaps_it_can)
{
    pthread_t thread;
    sem_init(&arrived, 0, 0);
    sem_init(&may_leave, 0, 0);
    expect(hak_heap_get() != NULL);
    expect(pthread_create(&thread, NULL, note_heap_and_wait, &bound_heap) == 0);
    sem_wait(&arrived);
    hak_lock_take_all(); // as the fork handler does
    succeed_in_child(adopt_in_child, bound_heap);
    expect(!hak_heap_is_busy(bound_heap));
    struct hak_heap *own = hak_heap_self;
    hak_heap_enter(bound_heap); // in the middle of something
    expect(hak_heap_is_busy(bound_heap) && hak_inside == HAK_LOCK_COUNT + 1);
    expect(!hak_heap_is_bound(hak_heap_self), "hidden from signal handlers");
    hak_heap_self = own; // it is another thread that is busy
    succeed_in_child(adopt_in_child, NULL);
    hak_heap_leave(bound_heap);
    expect(hak_heap_self == own && !hak_heap_is_busy(bound_heap));
    hak_lock_drop_all();
    expect(hak_inside == 0);
    sem_post(&may_leave);
    pthread_join(thread, NULL);
}
