// The cache of freed large mappings: what is put is kept within bounds, taken once, or unmapped.
#include "fake_calls.h"
#include "hak_bigcache.h"
#include "hak_option.h"

#include <pthread.h>

enum { KIB = 1024, MIB = 1024 * 1024, GRANULE = HAK_GRANULE_BYTES };

static void with_room(void)
{
    hak_options.bigcache_mib = 64;
}

TestSuite(bigcache, .init = with_room);

static bool keeps(void)
{
    return !is_impl("none");
}

static size_t mapped(void)
{
    return hak_os_counts().mapped_bytes;
}

static struct hak_mapping map(size_t bytes)
{
    struct hak_mapping mapping = {.start = hak_os_map(bytes, GRANULE), .bytes = bytes};
    expect(mapping.start != NULL);
    return mapping;
}

static void unmap(struct hak_mapping mapping)
{
    expect(hak_os_unmap(mapping.start, mapping.bytes));
}

// As hak_large_free does.
static bool put(struct hak_mapping mapping)
{
    bool kept = hak_bigcache_put(mapping);
    if (!kept)
        unmap(mapping);
    return kept;
}

static bool take(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping)
{
    bool taken = hak_bigcache_take(bytes, alignment, ret_mapping);
    if (taken) {
        expect(ret_mapping->bytes >= bytes && ret_mapping->bytes - bytes <= bytes / 8,
               "%zu for %zu bytes", ret_mapping->bytes, bytes);
        expect((uintptr_t)ret_mapping->start % alignment == 0);
    }
    return taken;
}

Test(bigcache, what_is_put_can_be_taken_once)
{
    struct hak_mapping mapping = map(1 * MIB), taken = {0};
    expect(!take(1 * MIB, 1, &taken) && taken.start == NULL);
    char *start = mapping.start;
    expect(put(mapping) == keeps());
    expect(mapped() == (keeps() ? 1 * MIB : 0));
    expect(take(1 * MIB, 1, &taken) == keeps());
    if (keeps()) {
        expect(taken.start == start && taken.bytes == 1 * MIB);
        expect(!take(1 * MIB, 1, &taken), "taken twice");
        unmap(taken);
    }
    expect(mapped() == 0 && hak_bigcache_trim() == 0);
}

// Whether a mapping of so many bytes serves a request.
static bool serves(size_t kept_bytes, size_t bytes)
{
    struct hak_mapping taken;
    bool kept = put(map(kept_bytes)), served = take(bytes, 1, &taken);
    expect(kept || !served);
    if (served)
        unmap(taken);
    hak_bigcache_trim();
    expect(mapped() == 0);
    return served;
}

Test(bigcache, at_most_an_eighth_is_wasted)
{
    for (size_t granules = 9; granules < 200; granules += granules / 3) {
        size_t kept = granules * GRANULE;
        size_t least = (kept * 8 + 8) / 9; // kept - least is an eighth of least, or just less
        least = (least + 4095) / 4096 * 4096;
        expect(serves(kept, kept) == keeps() && serves(kept, least) == keeps());
        expect(!serves(kept, least - 8192) && !serves(kept, kept + 1) && !serves(kept, 4096));
    }
}

Test(bigcache, alignment_is_kept)
{
    struct hak_mapping aligned = {hak_os_map(1 * MIB, 4 * MIB), 1 * MIB}, taken;
    uintptr_t place = (uintptr_t)aligned.start;
    expect(put(aligned) == keeps());
    size_t twice = (place & -place) * 2; // more than it has
    expect(!take(1 * MIB, twice, &taken));
    expect(take(1 * MIB, 4 * MIB, &taken) == keeps());
    if (keeps())
        unmap(taken);
}

Test(bigcache, the_tightest_mapping_serves)
{
    struct hak_mapping taken;
    const size_t granules[] = {36, 33, 35, 32, 34};
    for (unsigned i = 0; i < 5; i++)
        put(map(granules[i] * GRANULE));
    for (size_t wanted = 32; keeps() && wanted <= 36; wanted++) {
        expect(take(32 * GRANULE, 1, &taken) && taken.bytes == wanted * GRANULE, "%zu granules",
               taken.bytes / GRANULE);
        unmap(taken);
    }
    expect(mapped() == 0);
}

Test(bigcache, bytes_are_bounded)
{
    hak_options.bigcache_mib = 5;
    for (unsigned i = 0; i < 100; i++) {
        put(map((size_t)(9 + i % 20) * GRANULE));
        expect(mapped() <= 5 * MIB, "%zu KiB", mapped() / KIB);
    }
    expect(!keeps() || mapped() >= 2 * MIB, "it keeps some");
    expect(!put(map(5 * MIB + GRANULE)), "more than everything");
    size_t kept = mapped();
    expect(hak_bigcache_trim() == kept && mapped() == 0);
    struct hak_mapping taken;
    expect(!take(9 * GRANULE, 1, &taken), "nothing after a trim");
}

Test(bigcache, entries_are_bounded)
{
    hak_options.bigcache_mib = 1024;
    for (unsigned i = 0; i < 3000; i++)
        put(map(GRANULE));
    if (is_impl("list"))
        expect(mapped() == 64 * GRANULE, "%zu entries", mapped() / GRANULE);
    expect((hak_bigcache_trim() > 0) == keeps() && mapped() == 0);
}

Test(bigcache, it_can_be_off)
{
    hak_options.bigcache = 0;
    expect(!put(map(1 * MIB)) && mapped() == 0);
    hak_options.bigcache = 1;
    hak_options.bigcache_mib = 0;
    expect(!put(map(1 * MIB)) && mapped() == 0);
}

enum { MAX_HELD = 40 };

static void random_history(struct dice *dice, unsigned steps)
{
    struct hak_mapping held[MAX_HELD];
    unsigned count = 0;
    for (unsigned step = 0; step < steps; step++) {
        if (count < MAX_HELD && dice_roll(dice, 2) == 0) {
            size_t bytes = (size_t)(9 + dice_roll(dice, 12)) * GRANULE;
            struct hak_mapping mapping;
            if (!take(bytes, 1, &mapping))
                mapping = map(bytes);
            for (unsigned i = 0; i < count; i++)
                expect(held[i].start != mapping.start, "handed out twice");
            memset(mapping.start, (int)step, 4096);
            held[count++] = mapping;
        } else if (count > 0) {
            unsigned i = dice_roll(dice, count);
            put(held[i]);
            held[i] = held[--count];
        }
        if (dice_roll(dice, 200) == 0)
            hak_bigcache_trim();
    }
    while (count > 0)
        put(held[--count]);
}

Test(bigcache, random_history)
{
    struct dice dice = dice_from(10);
    hak_options.bigcache_mib = 16;
    random_history(&dice, 2000);
    hak_bigcache_trim();
    expect(mapped() == 0, "%zu bytes lost", mapped());
}

static void *random_history_in_thread(void *seed)
{
    struct dice dice = {(uintptr_t)seed};
    random_history(&dice, 1000);
    return NULL;
}

Test(bigcache, threads_share_it)
{
    pthread_t threads[2];
    hak_options.bigcache_mib = 16;
    for (uintptr_t i = 0; i < 2; i++)
        expect(pthread_create(&threads[i], NULL, random_history_in_thread, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    hak_bigcache_trim();
    expect(mapped() == 0, "%zu bytes lost", mapped());
}

// A mapping that the kernel does not take back loses its contents, and the rest goes on.
Test(bigcache, refused_unmaps_are_purged)
{
    hak_options.bigcache_mib = 2;
    struct hak_mapping mapping = map(2 * MIB);
    memset(mapping.start, 1, 2 * MIB);
    if (!hak_bigcache_put(mapping))
        return; // kept nothing, refuses nothing
    struct hak_mapping next = map(1 * MIB);
    hak_fake_os_fail(0, 1);
    expect(put(next), "makes room");
    expect(mapped() == 3 * MIB && is_filled(mapping.start, 0, 2 * MIB));
}
