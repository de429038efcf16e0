// hak_heap_check sees what is wrong with a heap: each test breaks one thing.
#include "front_tools.h"

static struct hak_bin *bin;

static void heap_with_one_cached(void)
{
    cold_heap();
    bin = &heap->bins[TINY];
    free_block(alloc(TINY));
    hak_heap_check(heap);
}

TestSuite(heap_check, .init = heap_with_one_cached);

static void check(void *unused)
{
    (void)unused;
    hak_heap_check(heap);
}

Test(heap_check, a_block_that_is_also_in_its_slab)
{
    struct hak_slab *slab = hak_slab_of(bin->newest);
    unsigned index = hak_slab_index(slab, bin->newest);
    hak_slab_put(slab, index / 64, (uint64_t)1 << (index % 64));
    expect_panic(check, NULL, "it is in its slab and in the thread's cache");
}

Test(heap_check, a_block_of_another_class)
{
    bin->newest = alloc(TINY + 1);
    expect_panic(check, NULL, "size_class");
}

Test(heap_check, what_is_no_block)
{
    bin->newest = (char *)bin->newest + 1;
    expect_panic(check, NULL, "invalid free");
}

Test(heap_check, a_bin_beyond_its_array)
{
    bin->top = bin->limit + 1;
    expect_panic(check, NULL, "limit");
}

Test(heap_check, a_bin_without_its_guard)
{
    bin->limit[-bin->slots] = heap;
    expect_panic(check, NULL, "array[0]");
}

Test(heap_check, a_newest_block_that_is_not_counted)
{
    bin->top = bin->limit - bin->slots;
    expect_panic(check, NULL, "newest");
}

Test(heap_check, an_outbox_with_too_much)
{
    heap->outbox_count = HAK_OUTBOX_SLOTS + 1;
    expect_panic(check, NULL, "outbox_count");
}
