// The nursery's contract: who is served from it, and that what it hands out comes home.
#include "front_tools.h"
#include "hak_lock.h"
#include "hak_nursery.h"

#include <pthread.h>

static void for_everybody(void)
{
    cold_heap();
    hak_options.nursery = 1; // threads
}

TestSuite(nursery, .init = for_everybody);

static bool is_own(const void *block)
{
    return hak_slab_of(block)->owner == &heap->owner.slabs;
}

static size_t chunks_left(void)
{
    hak_front_empty(heap);
    hak_front_tidy(heap);
    hak_nursery_tidy();
    hak_span_trim();
    return hak_span_totals().chunks;
}

Test(nursery, serves_the_first_blocks_of_a_class)
{
    void *blocks[HAK_TINY_CLASSES];
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        blocks[size_class] = alloc(size_class);
        expect(!is_own(blocks[size_class]));
        for (unsigned i = cached(&heap->bins[size_class]); i > 0; i--)
            expect(!is_own(alloc(size_class)));
        expect(is_own(alloc(size_class)), "class %u", size_class);
        hak_heap_check(heap);
    }
    for (unsigned size_class = 1; size_class < HAK_TINY_CLASSES; size_class++)
        expect(hak_slab_of(blocks[size_class])->owner == hak_slab_of(blocks[0])->owner);
    expect(heap->owner.slabs.slabs == HAK_TINY_CLASSES);
}

Test(nursery, batches_are_small)
{
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        alloc(size_class);
        size_t bytes = (cached(&heap->bins[size_class]) + 1) * hak_class_stride(size_class);
        expect(bytes <= 512 || cached(&heap->bins[size_class]) == 0, "class %u", size_class);
    }
}

Test(nursery, takes_no_more_than_it_may)
{
    void *blocks[4] = {NULL};
    for (unsigned want = 1; want <= 3; want++) {
        expect(hak_nursery_take(TINY, blocks, want) == want && blocks[want] == NULL);
        for (unsigned i = 0; i < want; i++)
            free_block(blocks[i]);
    }
}

Test(nursery, serves_only_where_many_threads_are)
{
    hak_options.nursery = 2;
    expect(is_own(alloc(TINY)));
    hak_options.nursery = 0; // nobody
    expect(is_own(alloc(TINY + 1)));
}

Test(nursery, serves_no_pool_classes)
{
    expect(is_own(alloc(HAK_TINY_CLASSES)) && is_own(alloc(POOL)));
}

Test(nursery, is_not_for_heaps_with_blocks_of_their_own)
{
    hak_options.nursery = 0;
    void *block = alloc(TINY);
    hak_options.nursery = 1;
    hak_front_empty(heap); // the bin is as new
    expect(is_own(block) && is_own(alloc(TINY)));
}

Test(nursery, nobody_waits_for_it)
{
    hak_lock_take(HAK_LOCK_NURSERY);
    expect(is_own(alloc(TINY)) && hak_nursery_tidy() == 0);
    hak_lock_drop(HAK_LOCK_NURSERY);
    expect(!is_own(alloc(TINY + 1)));
    hak_nursery_tidy();
    expect(!is_own(alloc(TINY + 2)), "and it keeps nobody waiting");
}

Test(nursery, a_thread_that_needs_little_goes_on_with_what_it_has)
{
    for (unsigned round = 0; round < 100; round++)
        free_block(alloc(TINY));
    expect(heap->owner.slabs.slabs == 0);
    for (unsigned round = 0; round < 1000; round++)
        free_block(alloc(TINY));
    expect(HAK_HEADER_CLASSIDX || is_own(alloc(TINY)), "a slow path at each free");
    hak_heap_check(heap);
}

Test(nursery, what_is_freed_comes_home)
{
    void *blocks[HAK_TINY_CLASSES][40];
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        for (unsigned i = 0; i < 40; i++)
            blocks[size_class][i] = memset(alloc(size_class), 1, hak_class_usable(size_class));
    }
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        for (unsigned i = 0; i < 40; i++)
            free_block(blocks[size_class][i]);
    }
    hak_heap_check(heap);
    expect(chunks_left() == 0);
}

Test(nursery, is_one_owner_for_good)
{
    uint32_t tag = hak_slab_of(alloc(TINY))->owner->tag;
    expect(tag != 0 && tag != heap->owner.slabs.tag);
    void *block = alloc(TINY + 1);
    uint32_t entry = hak_page_registry_entry(block);
    expect(hak_slab_of(block)->owner->tag == tag && hak_nursery_owns(entry));
    expect(!hak_nursery_owns(heap->owner.slabs.tag | (entry & HAK_ENTRY_OFFSET_MASK)));
    expect(!hak_front_post(heap, entry ^ heap->owner.slabs.tag, block), "it may be kept");
}

Test(nursery, pages_without_used_blocks_go_back)
{
    void *blocks[256] = {NULL};
    for (unsigned i = 0; i < 256; i++) {
        expect(hak_nursery_take(TINY + 8, &blocks[i], 1) == 1);
        memset(blocks[i], 1, hak_class_usable(TINY + 8));
    }
    for (unsigned i = 1; i < 256; i++)
        free_block(blocks[i]);
    hak_front_empty(heap);
    expect(hak_nursery_tidy() > 0);
}

static void *take_one(void *ret_block)
{
    bool zero;
    *(void **)ret_block = hak_front_alloc(hak_heap_get(), TINY, &zero);
    return NULL;
}

Test(nursery, threads_share_its_slabs)
{
    void *own = alloc(TINY), *other;
    pthread_t thread;
    expect(pthread_create(&thread, NULL, take_one, &other) == 0);
    pthread_join(thread, NULL);
    expect(other != own && hak_slab_of(other) == hak_slab_of(own) && !is_own(own));
    uintptr_t distance = (uintptr_t)other - (uintptr_t)own;
    expect(distance >= 256 && distance <= 512, "a batch apart, not %zu", (size_t)distance);
    free_block(own);
    free_block(other);
    expect(chunks_left() == 0);
}

static void use_tiny_classes(bool may_fail)
{
    void *blocks[HAK_TINY_CLASSES];
    bool zero;
    for (unsigned i = 0; i < HAK_TINY_CLASSES; i++) {
        blocks[i] = hak_front_alloc(heap, i, &zero);
        expect(blocks[i] != NULL || may_fail);
    }
    for (unsigned i = 0; i < HAK_TINY_CLASSES; i++) {
        if (blocks[i] != NULL)
            free_block(blocks[i]);
    }
    expect(chunks_left() == 0 || may_fail);
}

Test(nursery, each_call_may_fail)
{
    expect(fail_each_call(use_tiny_classes) >= 3);
}
