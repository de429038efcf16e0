// Mid sizes.
#include "hak_pool.h" // first: its parameters are named like the tools' heap
#include "front_tools.h"

TestSuite(pool, .init = cold_heap);

Test(pool, holds_what_some_class_holds)
{
    for (size_t bytes = 0; bytes <= 2 * HAK_POOL_MAX_BYTES; bytes++)
        expect(hak_pool_holds(bytes) == (bytes <= hak_class_usable(HAK_CLASS_COUNT - 1)), "%zu",
               bytes);
    expect(!hak_pool_holds(SIZE_MAX) && !hak_pool_holds(PTRDIFF_MAX));
}

static void *alloc_bytes(size_t bytes)
{
    bool zero = false;
    char *block = hak_pool_alloc(heap, bytes, &zero);
    expect(block != NULL && hak_class_usable(class_of(block)) >= bytes);
    expect((uintptr_t)block % (bytes > 8 ? 16 : 8) == 0);
    expect(!zero || is_filled(block, 0, bytes), "%zu bytes not zero", bytes);
    memset(block, 0xff, bytes);
    return block;
}

Test(pool, every_size_repeats_without_a_kernel_call)
{
    for (size_t bytes = 0; bytes <= HAK_POOL_MAX_BYTES; bytes += bytes < 5000 ? 7 : 4711) {
        free_block(alloc_bytes(bytes));
        uint64_t calls = kernel_calls();
        for (unsigned i = 0; i < 20; i++)
            free_block(alloc_bytes(bytes));
        expect(kernel_calls() == calls, "%zu bytes", bytes);
    }
    hak_heap_check(heap);
}

Test(pool, zero_is_told_truly)
{
    struct dice dice = dice_from(9);
    static void *live[100];
    for (unsigned step = 0; step < 4000; step++) {
        unsigned i = dice_roll(&dice, 100);
        if (live[i] == NULL) {
            live[i] = alloc_bytes(dice_roll(&dice, 40000));
        } else {
            free_block(live[i]);
            live[i] = NULL;
        }
        if (step % 100 == 0)
            hak_heap_check(heap);
        if (step % 500 == 0) {
            hak_front_empty(heap);
            hak_slab_trim(&heap->owner.slabs);
        }
    }
}
