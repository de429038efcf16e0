// The cache of freed large mappings: what is put is kept within bounds, taken once, or unmapped.
#include "fake_calls.h"
#include "hak_bigcache.h"
#include "hak_option.h"

#include <pthread.h>

enum { KIB = 1024, MIB = 1024 * 1024, GRANULE = HAK_GRANULE_BYTES };

static bool keeps(void)
{
    return !is_impl("none");
}

static size_t metadata_bytes; // mapped at the first put

static size_t mapped(void)
{
    return hak_os_counts().mapped_bytes - metadata_bytes;
}

static void after_first_put(void)
{
    hak_options.bigcache_mib = 64;
    char *start = hak_os_map(GRANULE, GRANULE);
    if (hak_bigcache_put((struct hak_mapping){start, GRANULE, 0}))
        hak_bigcache_trim();
    else
        hak_os_unmap(start, GRANULE);
    metadata_bytes = hak_os_counts().mapped_bytes;
}

TestSuite(bigcache, .init = after_first_put);

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
        size_t waste = ret_mapping->bytes - bytes;
        expect(ret_mapping->bytes >= bytes && (waste <= bytes / 8 || waste < GRANULE),
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

Test(bigcache, what_is_large_enough_serves)
{
    for (size_t granules = 9; granules < 200; granules += granules / 3) {
        size_t kept = granules * GRANULE;
        expect(serves(kept, kept) == keeps() && serves(kept, kept - 4096) == keeps());
        expect(serves(kept, kept / 2) == keeps() && serves(kept, 4096) == keeps());
        expect(!serves(kept, kept + 1));
    }
}

// One mapping, given back in three parts and out of order, serves as a whole again.
Test(bigcache, neighbours_merge)
{
    struct hak_mapping whole = map(30 * GRANULE), taken;
    struct hak_mapping parts[] = {{whole.start + 20 * GRANULE, 10 * GRANULE, 0},
                                  {whole.start, 10 * GRANULE, 0},
                                  {whole.start + 10 * GRANULE, 10 * GRANULE, 0}};
    for (unsigned i = 0; i < 3; i++) {
        expect(put(parts[i]) == keeps());
        expect(!take(11 * GRANULE, 1, &taken) || i == 2, "%u", i);
        if (keeps() && i == 2)
            hak_bigcache_put(taken);
    }
    expect(take(30 * GRANULE, 1, &taken) == keeps());
    if (keeps()) {
        expect(taken.start == whole.start && taken.bytes == whole.bytes);
        unmap(taken);
    }
    expect(mapped() == 0);
}

Test(bigcache, a_piece_serves_until_it_is_used_up)
{
    struct hak_mapping whole = map(32 * GRANULE), taken[16];
    put(whole);
    for (unsigned i = 0; keeps() && i < 16; i++) {
        expect(take(2 * GRANULE, 1, &taken[i]) && taken[i].bytes == 2 * GRANULE);
        memset(taken[i].start, (int)i, taken[i].bytes);
    }
    struct hak_mapping none;
    expect(!take(GRANULE, 1, &none));
    for (unsigned i = 0; keeps() && i < 16; i++) {
        expect(is_filled(taken[i].start, (int)i, taken[i].bytes), "pieces overlap");
        unmap(taken[i]);
    }
}

// What it has of a mapping that grows from 2 granules.
static size_t granules_after(struct hak_mapping *mapping, size_t granules)
{
    hak_bigcache_extend(mapping, granules * GRANULE);
    return mapping->bytes / GRANULE;
}

Test(bigcache, a_mapping_grows_into_what_is_kept_behind_it)
{
    struct hak_mapping whole = map(8 * GRANULE);
    struct hak_mapping first = {whole.start, 2 * GRANULE, 0},
                       placed = {whole.start, 2 * GRANULE, 1};
    expect(granules_after(&first, 3) == 2, "nothing is kept");
    put((struct hak_mapping){whole.start + 2 * GRANULE, 6 * GRANULE, 0});
    expect(granules_after(&placed, 3) == 2, "it may be on another node");
    expect(granules_after(&first, 3) == (keeps() ? 3 : 2));
    expect(granules_after(&first, 9) == (keeps() ? 8 : 2), "as far as it goes");
    expect(hak_bigcache_bytes() == 0);
    unmap(first);
    expect(mapped() == 0);
}

Test(bigcache, growing_teaches_it_to_keep_more)
{
    put(map(40 * MIB));
    expect(mapped() == (keeps() ? 8 * MIB : 0), "the floor");
    struct hak_mapping mapping = {.bytes = 1 * MIB};
    if (take(8 * MIB, 1, &mapping))
        expect(granules_after(&mapping, 640) == 128);
    put(map(40 * MIB));
    expect(mapped() / MIB >= (keeps() ? 40 : 0), "%zu KiB", mapped() / KIB);
}

Test(bigcache, alignment_is_kept)
{
    struct hak_mapping aligned = {hak_os_map(1 * MIB, 4 * MIB), 1 * MIB, 0}, taken;
    uintptr_t place = (uintptr_t)aligned.start;
    expect(put(aligned) == keeps());
    size_t twice = (place & -place) * 2; // more than it has
    expect(!take(1 * MIB, twice, &taken));
    expect(take(1 * MIB, 4 * MIB, &taken) == keeps());
    if (keeps())
        unmap(taken);
}

Test(bigcache, descriptors_of_merged_pieces_are_used_again)
{
    if (!keeps())
        return;
    enum { PIECE = 10 * GRANULE, ROUNDS = 20000 }; // of 128 bytes each, it would be megabytes
    struct hak_mapping all = map(3 * PIECE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect(put((struct hak_mapping){all.start, PIECE, 0}));
        expect(put((struct hak_mapping){all.start + 2 * PIECE, PIECE, 0}));
        expect(put((struct hak_mapping){all.start + PIECE, PIECE, 0})); // merges with both
        expect(take(3 * PIECE, 1, &all) && mapped() == 3 * PIECE, "round %u", round);
    }
    unmap(all);
}

Test(bigcache, the_tightest_mapping_serves)
{
    struct hak_mapping taken;
    const size_t granules[] = {18, 16, 17};
    for (unsigned i = 0; i < 3; i++)
        put(map(granules[i] * GRANULE));
    for (size_t wanted = 16; keeps() && wanted <= 18; wanted++) {
        expect(take(16 * GRANULE, 1, &taken) && taken.bytes == wanted * GRANULE, "%zu granules",
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
    expect(!keeps() || mapped() == 5 * MIB);
    struct hak_mapping taken;
    expect(!take(6 * MIB, 1, &taken));
    size_t kept = mapped();
    expect(hak_bigcache_trim() == kept && mapped() == 0);
    expect(!take(9 * GRANULE, 1, &taken), "nothing after a trim");
}

Test(bigcache, it_keeps_more_once_that_pays)
{
    put(map(40 * MIB));
    expect(mapped() == (keeps() ? 8 * MIB : 0), "the floor");
    struct hak_mapping taken;
    expect(!take(40 * MIB, 1, &taken), "it would have served");
    put(map(40 * MIB));
    expect(mapped() / MIB == (keeps() ? 45 : 0), "and an eighth: %zu KiB", mapped() / KIB);
}

Test(bigcache, what_nobody_needs_is_given_back)
{
    struct hak_mapping taken;
    put(map(4 * MIB));
    hak_bigcache_tick(true); // it came in this interval
    expect(mapped() == hak_bigcache_bytes() && mapped() == (keeps() ? 4 * MIB : 0));
    if (take(1 * MIB, 1, &taken))
        put(taken);
    hak_bigcache_tick(true);
    expect(mapped() == (keeps() ? 1 * MIB : 0), "three were not needed");
    hak_bigcache_tick(false);
    expect(mapped() == (keeps() ? 1 * MIB : 0), "a little may stay");
    hak_bigcache_tick(true);
    expect(mapped() == 0 && hak_bigcache_bytes() == 0);
}

// Gives memory back, of which the first `written` bytes are not 0.
static void give_back(size_t bytes, size_t written)
{
    struct hak_mapping mapping = map(bytes);
    memset(mapping.start, 1, written);
    put(mapping);
    hak_bigcache_trim();
}

static bool advises(size_t bytes)
{
    struct hak_mapping none;
    expect(!take(bytes, 1, &none) && (none.placed == 0 || none.placed == HAK_LARGE_PAGES));
    return none.placed == HAK_LARGE_PAGES;
}

Test(bigcache, large_pages_are_for_what_comes_and_goes)
{
    expect(!advises(40 * MIB), "without experience");
    give_back(6 * MIB, 6 * MIB);
    expect(!advises(6 * MIB), "what is kept at first is enough");
    give_back(12 * MIB, 12 * MIB);
    expect(!advises(30 * MIB), "more than is kept");
    give_back(40 * MIB, 40 * MIB);
    expect(advises(40 * MIB) == keeps());
    expect(!advises(40 * MIB), "all of it was needed again already");
    struct hak_mapping holed = map(40 * MIB);
    memset(holed.start, 1, holed.bytes);
    memset(holed.start + 10 * MIB, 0, 20 * MIB);
    put(holed);
    hak_bigcache_trim();
    expect(!advises(40 * MIB), "its middle was empty");
    give_back(40 * MIB, 0);
    expect(!advises(40 * MIB), "it was empty");
    give_back(40 * MIB, 24 * MIB);
    expect(!advises(40 * MIB), "half of it was");
    give_back(40 * MIB, 40 * MIB);
    expect(!advises(3 * MIB), "too small for any");
    hak_options.huge = 0;
    expect(!advises(20 * MIB), "switched off");
    hak_options.huge = 1;
    expect(advises(10 * MIB) == keeps());
    give_back(40 * MIB, 40 * MIB);
    hak_fake_os_advance(1001);
    expect(!advises(40 * MIB), "too late");
}

// More pieces than the tables start with.
Test(bigcache, the_tables_grow)
{
    enum { PIECES = 600 };
    static struct hak_mapping pieces[PIECES];
    hak_options.bigcache_mib = 1024;
    struct hak_mapping taken;
    put(map(64 * MIB));
    expect(!take(64 * MIB, 1, &taken), "learns to keep them all");
    hak_bigcache_trim();
    struct hak_mapping whole = map(2 * PIECES * (size_t)GRANULE);
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = (struct hak_mapping){whole.start + 2 * i * (size_t)GRANULE, GRANULE, 0};
        put(pieces[i]);
    }
    size_t hidden = mapped(); // the gaps, the tables, and what is kept
    for (unsigned i = 0; keeps() && i < PIECES; i++)
        expect(take(GRANULE, 1, &taken), "piece %u", i);
    expect(!take(1, 1, &taken) && mapped() == hidden);
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

// A mapping that the kernel does not take back loses its contents, not its addresses.
Test(bigcache, refused_unmaps_are_purged)
{
    hak_options.bigcache_mib = 2;
    struct hak_mapping mapping = map(2 * MIB);
    memset(mapping.start, 1, 2 * MIB);
    if (!hak_bigcache_put(mapping))
        return; // kept nothing, refuses nothing
    struct hak_mapping next = map(1 * MIB), pieces[3];
    hak_fake_os_fail(0, 1);
    expect(put(next), "makes room: half of the first goes");
    expect(mapped() == 3 * MIB && is_filled(mapping.start + 1 * MIB, 0, 1 * MIB));
    expect(hak_bigcache_bytes() == 2 * MIB, "with pages");
    for (unsigned i = 0; i < 3; i++)
        expect(hak_bigcache_take(1 * MIB, 1, &pieces[i]) && pieces[i].bytes == 1 * MIB);
    expect(hak_bigcache_bytes() == 0 && !hak_bigcache_take(64 * KIB, 1, &next));
    for (unsigned i = 0; i < 3; i++) {
        hak_fake_os_fail(0, i == 2);
        expect(hak_bigcache_put(pieces[i]));
    }
    expect(hak_bigcache_bytes() == 2 * MIB && mapped() == 3 * MIB);
    expect(hak_bigcache_trim() == 3 * MIB && mapped() == 0 && hak_bigcache_bytes() == 0);
}
