// Memory for signal handlers: aligned, reused when all is free, lock-free; and what they free
// later.
#include "fake_calls.h"
#include "hak_emergency.h"

#include <pthread.h>

enum { MIB = 1024 * 1024, THREADS = 4, ROUNDS = 300000 };

static void *alloc(size_t bytes, size_t alignment)
{
    unsigned char *p = hak_emergency_alloc(bytes, alignment);
    expect(p != NULL && ((uintptr_t)p & (alignment - 1)) == 0 && (uintptr_t)p % 16 == 0);
    size_t usable = hak_emergency_usable(p);
    expect(usable >= bytes && usable > 0);
    expect(p[-1] == 0, "no class header");
    return memset(p, 0xff, usable);
}

Test(emergency, blocks_are_aligned_and_apart)
{
    unsigned char *blocks[200];
    for (unsigned i = 0; i < 200; i++)
        memset(blocks[i] = alloc(i * 7, (size_t)1 << i % 18), (int)i, i * 7);
    for (unsigned i = 0; i < 200; i++) {
        expect(is_filled(blocks[i], (unsigned char)i, i * 7));
        expect(hak_emergency_free(blocks[i]) && hak_emergency_usable(blocks[i]) == 0);
    }
}

// Else the granule might be recorded as that of a large block which begins where the area ends.
Test(emergency, granules_are_not_shared)
{
    uintptr_t first = (uintptr_t)alloc(16, 16);
    expect(first % HAK_GRANULE_BYTES < 256, "an area begins a granule");
}

Test(emergency, what_is_free_is_used_again)
{
    size_t mapped = 0;
    for (unsigned round = 0; round < 1000; round++) {
        void *small = alloc(100, 16);
        void *large = alloc(3 * MIB, 4096);
        expect(hak_emergency_free(small) && hak_emergency_free(large));
        if (round == 0)
            mapped = hak_os_counts().mapped_bytes;
    }
    expect(hak_os_counts().mapped_bytes == mapped);
}

Test(emergency, other_addresses_are_not_its)
{
    char *p = alloc(100, 16);
    static char elsewhere[100];
    expect(!hak_emergency_free(elsewhere + 16) && !hak_emergency_free(NULL));
    expect(hak_emergency_usable(elsewhere + 16) == 0 && hak_emergency_usable(NULL) == 0);
    expect(hak_emergency_usable(p + 16) == 0 && hak_emergency_usable(p + 1) == 0);
    expect(hak_emergency_usable(p - 16) == 0 && hak_emergency_usable(p - 32) == 0);
    expect(hak_emergency_usable(p - 48) == 0, "the area's start, before which nothing is read");
}

Test(emergency, sizes_beyond_all_bounds_are_refused)
{
    expect(hak_emergency_alloc(SIZE_MAX, 16) == NULL &&
           hak_emergency_alloc(PTRDIFF_MAX, 16) == NULL);
    expect(hak_emergency_alloc(16, (size_t)1 << 63) == NULL);
    expect(hak_emergency_alloc((size_t)1 << 33, 16) == NULL, "the fake kernel has 4 GiB");
    uint64_t calls = kernel_calls();
    expect(hak_emergency_free(alloc(16, 64 * MIB)) && kernel_calls() == calls + 1);
}

static void free_twice(void *p)
{
    hak_emergency_free(p);
    hak_emergency_free(p);
}

static void free_once(void *p)
{
    hak_emergency_free(p);
}

Test(emergency, invalid_frees_are_reported)
{
    char *p = alloc(100, 16);
    expect_panic(free_twice, p, "invalid free of");
    expect_panic(free_once, p + 1, "invalid free of");
    expect_panic(free_once, p + 16, "invalid free of");
    expect_panic(free_once, p - 16, "invalid free of");
    expect_panic(free_once, p - 32, "invalid free of");
}

static unsigned released;

static void count_released(void *p)
{
    expect(p == &released);
    released++;
}

static void defer_some(bool may_fail)
{
    released = 0;
    for (unsigned i = 0; i < 1000; i++)
        hak_emergency_defer(&released);
    hak_emergency_run_deferred(count_released);
    expect(released == 1000 || may_fail);
    hak_emergency_run_deferred(count_released);
    expect(released == 1000 || may_fail);
}

Test(emergency, what_is_deferred_is_released_once)
{
    defer_some(false);
    expect_no_loss(defer_some);
    expect(hak_os_counts().mapped_bytes == MIB, "the notes are reused");
}

static void defer_and_allocate(bool may_fail)
{
    void *p = hak_emergency_alloc(3 * MIB - 1024, 16); // leaves no room for the notes
    expect(p != NULL || may_fail);
    defer_some(may_fail);
    expect(p == NULL || hak_emergency_free(p));
}

Test(emergency, each_call_may_fail)
{
    expect(fail_each_call(defer_and_allocate) == 2);
}

static void *use(void *number)
{
    uintptr_t value = (uintptr_t)number;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uintptr_t *first = hak_emergency_alloc(16, 16), *second = hak_emergency_alloc(16, 16);
        first[0] = second[1] = value;
        first[1] = second[0] = ~value;
        expect(first[0] == value && first[1] == ~value && hak_emergency_free(first));
        expect(second[0] == ~value && second[1] == value && hak_emergency_free(second));
    }
    return NULL;
}

Test(emergency, threads_do_not_get_in_each_others_way)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        expect(pthread_create(&threads[i], NULL, use, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    size_t mapped = hak_os_counts().mapped_bytes;
    size_t total = (size_t)THREADS * ROUNDS * 2 * 32; // of all blocks, with their headers
    expect(mapped <= total / 4, "%zu of %zu: an area that is full is soon empty", mapped, total);
}
