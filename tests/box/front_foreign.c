// Blocks of other heaps, and pointers that are no blocks of anybody.
#include "front_tools.h"
#include "hak_bins.h"

#include <pthread.h>
#include <semaphore.h>

TestSuite(front_foreign, .init = cold_heap);

enum { LENT = 200 };
static struct lender {
    struct hak_heap *heap;
    void *tiny[LENT], *pool[8];
    sem_t lent, wanted;
} lender;

static void *lend(void *unused)
{
    lender.heap = hak_heap_get();
    bool zero;
    for (unsigned i = 0; i < LENT; i++)
        lender.tiny[i] = hak_front_alloc(lender.heap, TINY, &zero);
    for (unsigned i = 0; i < 8; i++)
        lender.pool[i] = hak_front_alloc(lender.heap, POOL, &zero);
    sem_post(&lender.lent);
    sem_wait(&lender.wanted);
    hak_front_empty(lender.heap);
    hak_heap_check(lender.heap);
    return unused;
}

static pthread_t start_lender(void)
{
    pthread_t thread;
    sem_init(&lender.lent, 0, 0);
    sem_init(&lender.wanted, 0, 0);
    expect(pthread_create(&thread, NULL, lend, NULL) == 0);
    sem_wait(&lender.lent);
    expect(lender.heap != heap && lender.tiny[LENT - 1] != NULL && lender.pool[7] != NULL);
    return thread;
}

static void end_lender(pthread_t thread)
{
    sem_post(&lender.wanted);
    pthread_join(thread, NULL);
}

Test(front_foreign, foreign_tiny_blocks_wait_in_the_outbox)
{
    pthread_t thread = start_lender();
    for (unsigned i = 0; i < HAK_OUTBOX_SLOTS - 1; i++) {
        hak_front_free_remote(heap, TINY, lender.tiny[i]);
        expect(heap->outbox_count == i + 1 && !hak_remote_pending(&lender.heap->owner));
    }
    hak_front_free_remote(heap, TINY, lender.tiny[HAK_OUTBOX_SLOTS - 1]);
    expect(heap->outbox_count == 0 && hak_remote_pending(&lender.heap->owner));
    hak_front_free_remote(heap, TINY, lender.tiny[HAK_OUTBOX_SLOTS]);
    hak_front_empty(heap);
    expect(heap->outbox_count == 0);
    hak_heap_check(heap);
    end_lender(thread);
    expect(!hak_remote_pending(&lender.heap->owner), "its thread drained before it ended");
}

static bool post(struct hak_heap *to, void *block)
{
    // With class headers hak_classidx_bin sends most of them to the caller's own bins.
    return hak_front_post(to, hak_page_registry_entry_xor(block, &to->owner.slabs.tag), block);
}

Test(front_foreign, posting_leaves_all_but_the_simplest_case_to_others)
{
    pthread_t thread = start_lender();
    expect(!post(heap, lender.pool[3]) && !post(HAK_HEAP_NONE, lender.tiny[0]));
    expect(!hak_front_post(heap, SIZE_MAX, lender.tiny[0]) && !post(heap, &thread), "nobody's");
    expect(!hak_front_post(heap, heap->owner.slabs.tag ^ HAK_BIN_END, lender.tiny[0]), "large");
    hak_inside_begin();
    expect(!post(heap, lender.tiny[0]), "a signal handler's");
    hak_inside_end();
    for (unsigned i = 0; i < HAK_OUTBOX_SLOTS - 1; i++)
        expect(post(heap, lender.tiny[i]) && heap->outbox_count == i + 1 && hak_inside == 0);
    expect(!post(heap, lender.tiny[HAK_OUTBOX_SLOTS - 1]), "that one would be the last");
    expect(!hak_remote_pending(&lender.heap->owner));
    hak_front_free_remote(heap, TINY, lender.tiny[HAK_OUTBOX_SLOTS - 1]);
    expect(heap->outbox_count == 0 && hak_remote_pending(&lender.heap->owner));
    end_lender(thread);
    for (unsigned i = 0; i < HAK_OUTBOX_SLOTS; i++)
        expect(is_in_slab(lender.tiny[i]));
}

Test(front_foreign, foreign_pool_blocks_go_home_at_once)
{
    pthread_t thread = start_lender();
    hak_front_free_remote(heap, POOL, lender.pool[3]);
    expect(heap->outbox_count == 0 && hak_remote_pending(&lender.heap->owner));
    end_lender(thread);
    expect(is_in_slab(lender.pool[3]));
}

Test(front_foreign, without_a_heap_foreign_blocks_go_home_at_once)
{
    pthread_t thread = start_lender();
    hak_front_free_remote(HAK_HEAP_NONE, TINY, lender.tiny[7]);
    expect(hak_heap_none.outbox_count == 0 && hak_remote_pending(&lender.heap->owner));
    end_lender(thread);
    expect(is_in_slab(lender.tiny[7]));
}

static pthread_key_t at_exit;
static struct hak_heap *heap_of_consumer;

static void free_more(void *unused)
{
    (void)unused;
    for (unsigned i = LENT / 2; i < LENT; i++)
        hak_front_free_remote(hak_heap_self, TINY, lender.tiny[i]);
    expect(hak_heap_self == HAK_HEAP_NONE, "a thread that has ended gets no heap");
}

static void *consume(void *unused)
{
    for (unsigned i = 0; i < LENT / 2; i++) {
        hak_front_free_remote(hak_heap_self, TINY, lender.tiny[i]);
        expect(hak_heap_is_bound(hak_heap_self) == (i >= 31), "free %u", i);
    }
    heap_of_consumer = hak_heap_self;
    pthread_setspecific(at_exit,
                        &at_exit); // a later key than the heap's: its destructor runs later
    return unused;
}

Test(front_foreign, a_thread_that_only_frees_gets_a_heap)
{
    pthread_t thread = start_lender(), consumer;
    expect(pthread_key_create(&at_exit, free_more) == 0);
    expect(pthread_create(&consumer, NULL, consume, NULL) == 0);
    pthread_join(consumer, NULL);
    expect(heap_of_consumer->outbox_count == 0 && heap_of_consumer->state == HAK_HEAP_IDLE);
    end_lender(thread);
    for (unsigned i = 0; i < LENT; i++)
        expect(is_in_slab(lender.tiny[i]), "block %u", i);
}

Test(front_foreign, flushes_sort_out_owners)
{
    pthread_t thread = start_lender();
    void *own[20];
    for (unsigned i = 0; i < 20; i++)
        own[i] = alloc(TINY);
    hak_front_empty(heap);
    hak_front_warm(heap, TINY, 0);      // an empty bin with room
    for (unsigned i = 0; i < 10; i++) { // as the header build frees: whoever owns them
        expect(hak_front_push(heap, hak_class_bin(TINY), own[i]) &&
               hak_front_push(heap, hak_class_bin(TINY), lender.tiny[i]));
        hak_heap_check(heap);
    }
    hak_front_empty(heap);
    hak_heap_check(heap);
    for (unsigned i = 0; i < 10; i++)
        expect(is_in_slab(own[i]) && !is_in_slab(own[i + 10]));
    expect(hak_remote_drain(&lender.heap->owner) == 10); // its thread sleeps
    for (unsigned i = 0; i < 10; i++)
        expect(is_in_slab(lender.tiny[i]));
    end_lender(thread);
}

// --- misuse

static void expect_report(void (*action)(void *), void *block, const char *what)
{
    char text[64];
    snprintf(text, sizeof text, "%s %p:", what, block);
    expect_panic(action, block, HAK_DEBUG >= 2 ? "" : text); // else a walk of the heap may be first
}

static void free_twice_and_allocate(void *block)
{
    free_block(block);
    free_block(block);
    alloc(class_of(block));
}

static void free_twice_with_one_between(void *block)
{
    void *other = alloc(class_of(block));
    free_block(block);
    free_block(other);
    free_block(block);
    hak_front_empty(heap);
}

static void free_after_flush(void *block)
{
    alloc(TINY); // keeps the slab
    free_block(block);
    hak_front_empty(heap);
    free_block(block);
    hak_front_empty(heap);
}

static void free_as_if_of_class(void *block)
{
    hak_front_full(heap, TINY, block);
    hak_front_empty(heap);
}

static void free_remote_twice(void *block)
{
    hak_front_free_remote(heap, TINY, block);
    hak_front_free_remote(heap, TINY, lender.tiny[1]);
    hak_front_free_remote(heap, TINY, block);
    hak_front_empty(heap);
}

static void free_remote_now(void *block)
{
    hak_front_free_remote(HAK_HEAP_NONE, TINY, block);
}

Test(front_foreign, double_frees_are_reported)
{
    const unsigned classes[] = {0, TINY, 24, POOL, 40};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        void *block = alloc(classes[i]);
        expect_report(free_twice_and_allocate, block, "double free of");
        expect_report(free_twice_with_one_between, block, "double free of");
    }
    expect_report(free_after_flush, alloc(TINY), "double free of");
}

// The copy is some way behind the block that empties the slab, which is not its class's only one.
static void free_again_behind_the_last(void *first)
{
    enum { CLASS = HAK_TINY_CLASSES - 1, OTHERS = 10 };
    void *blocks[64] = {first};
    unsigned count = hak_class_blocks(CLASS);
    for (unsigned i = 1; i < count + OTHERS; i++)
        blocks[i] = alloc(CLASS);
    hak_front_empty(heap);
    hak_bins_resize(heap, CLASS, 64);
    for (unsigned i = 0; i < count + OTHERS; i++)
        hak_front_push(heap, hak_class_bin(CLASS), blocks[i]);
    hak_front_push(heap, hak_class_bin(CLASS), first);
    hak_front_empty(heap);
}

Test(front_foreign, a_copy_behind_the_last_block_of_a_slab_is_a_double_free)
{
    expect_report(free_again_behind_the_last, alloc(HAK_TINY_CLASSES - 1), "double free of");
}

static void free_in_a_run_again(void *second)
{
    char *block = second;
    free_block(block);
    free_block(block - hak_class_stride(TINY)); // this one is free once, and begins a run
    free_block(block);
    hak_front_empty(heap);
}

Test(front_foreign, reports_name_the_block_that_was_freed_twice)
{
    char *first = alloc(TINY), *second = alloc(TINY);
    expect(second == first + hak_class_stride(TINY));
    expect_report(free_in_a_run_again, second, "double free of");
}

Test(front_foreign, foreign_double_frees_are_reported)
{
    pthread_t thread = start_lender();
    expect_report(free_remote_twice, lender.tiny[0], "double free of");
    free_remote_now(lender.tiny[0]);
    expect_report(free_remote_now, lender.tiny[0], "double free of");
    end_lender(thread);
}

Test(front_foreign, what_is_no_block_is_reported)
{
    static char data[256];
    char *tiny = alloc(TINY), *pool = alloc(POOL);
    for (unsigned i = 0; i < HAK_CLASS_COUNT; i += 8)
        alloc(i);
    expect_report(free_as_if_of_class, tiny + 8, "invalid free of");
    expect_report(free_as_if_of_class, tiny + 1, "invalid free of");
    expect_report(free_as_if_of_class, pool + 16, "invalid free of");
    expect_report(free_as_if_of_class, pool + 4096, "invalid free of");
    expect_report(free_as_if_of_class, data, "invalid free of");
    expect_report(free_remote_now, tiny + 8, "invalid free of");
    expect_report(free_remote_now, data, "invalid free of");
    char *behind = hak_slab_of(tiny)->span.base + HAK_GRANULE_BYTES - 4; // the last block
    expect_report(free_remote_now, behind, "invalid free of");
}
