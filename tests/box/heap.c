// The life of heaps: bound, given back, adopted; fork.
#include "hak_lock.h"
#include "heap_tools.h"

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

Test(heap, threads_at_one_time_have_heaps_of_their_own)
{
    enum { CROWD = 8 };
    struct guest guests[2][CROWD];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            struct guest *guest = &guests[round][i];
            let_in(guest, alloc_and_stay);
            for (const struct guest *other = guests[round]; other < guest; other++)
                expect(guest->heap != other->heap &&
                       guest->heap->owner.slabs.tag != other->heap->owner.slabs.tag);
        }
        for (unsigned i = 0; i < CROWD; i++)
            let_out(&guests[round][i]);
    }
    unsigned known = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        for (unsigned j = 0; j < CROWD; j++)
            known += guests[1][i].heap == guests[0][j].heap;
    }
    expect(known == CROWD, "the second crowd uses the heaps of the first");
}

static void *fill_caches(void *ret_heap)
{
    void *blocks[10];
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
    struct guest guest;
    expect(hak_heap_get() != NULL);
    let_in(&guest, alloc_and_stay);
    bound_heap = guest.heap;
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
    let_out(&guest);
}
