// What hardened builds note of blocks, and what they do to free ones.
#include "fake_calls.h"
#include "hak_hardening.h"
#include "hak_random.h"
#include "small_registry.h"

#include <pthread.h>
#include <signal.h>

enum { FULL = HAK_HARDENED_FULLY, BLOCKS = 32 };

static struct hak_slab_owner owner = {.tag = 5 << HAK_ENTRY_OWNER_SHIFT};

TestSuite(hardening, .init = small_registry);

// A block of the class as the core would hand it over: taken out of its slab.
static char *core_alloc(unsigned size_class)
{
    struct hak_slab *slab = owner.usable[size_class];
    if (slab == NULL)
        slab = hak_slab_new(&owner, size_class);
    expect(slab != NULL);
    unsigned word = slab->first_word;
    uint64_t bits = hak_slab_free_bits(slab, word);
    char *block = hak_slab_block(slab, word * 64 + hak_ctz64(bits));
    hak_slab_take(slab, word, bits & -bits);
    return block;
}

static void core_free(void *block)
{
    struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    hak_slab_put(slab, index / 64, (uint64_t)1 << (index % 64));
    hak_slab_settle(slab);
}

static size_t usable(unsigned size_class)
{
    return hak_class_usable(size_class) - HAK_CANARY_BYTES;
}

static char *alloc(unsigned size_class)
{
    char *block = core_alloc(size_class);
    hak_hardening_hand_out(block);
    expect(hak_hardening_check(block, "wrong use of", "late use of"));
    memset(block, 1, usable(size_class));
    return block;
}

// Returns how many blocks reached their slabs.
static unsigned free_block(void *block)
{
    void *now = NULL;
    expect(hak_hardening_take_back(block, &now));
    if (now != NULL)
        core_free(now);
    return now != NULL;
}

Test(hardening, every_block_comes_home_once)
{
    for (unsigned size_class = 1; size_class < HAK_CLASS_COUNT; size_class++) {
        char *blocks[BLOCKS];
        unsigned home = 0;
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = alloc(size_class);
        for (unsigned i = 0; i < BLOCKS; i++) {
            expect(is_filled(blocks[i], 1, usable(size_class)));
            home += free_block(blocks[i]);
        }
        for (void *block; (block = hak_quarantine_end()) != NULL; home++) {
            expect(is_filled(block, 0, hak_class_usable(size_class)));
            core_free(block);
        }
        expect(home == BLOCKS, "class %u: %u", size_class, home);
        hak_slab_owner_check(&owner);
    }
    hak_slab_trim(&owner);
    expect(owner.slabs == 0);
}

static void *what_to_free(void *p)
{
    void *now = NULL;
    expect(hak_hardening_take_back(p, &now));
    return now;
}

static void take_back(void *p)
{
    (void)what_to_free(p);
}

static void check(void *p)
{
    hak_hardening_check(p, "wrong use of", "late use of");
}

Test(hardening, what_is_not_live_is_reported)
{
    char *block = alloc(4), *other = alloc(4);
    expect_panic(take_back, block + 16, "invalid free of 0x");
    expect_panic(check, block + 1, "wrong use of 0x");
    free_block(block);
    free_block(other);
    expect_panic(take_back, block, "double free of 0x");
    expect_panic(check, block, "late use of 0x");
    char *never = core_alloc(9);
    expect_panic(take_back, never, "double free of 0x");
}

Test(hardening, what_is_in_no_slab_is_not_its_business)
{
    char elsewhere[64];
    void *untouched = NULL;
    expect(!hak_hardening_take_back(elsewhere, &untouched) && untouched == NULL);
    expect(!hak_hardening_check(elsewhere, "wrong use of", "late use of"));
    hak_hardening_hand_out(elsewhere);
}

static void hand_out(void *block)
{
    hak_hardening_hand_out(block);
}

Test(hardening, no_block_is_handed_out_twice)
{
    expect_panic(hand_out, alloc(4), "internal check failed");
}

// A descriptor serves slabs of several classes in its life.
Test(hardening, notes_do_not_outlive_their_slab)
{
    for (unsigned round = 0; round < 4; round++) {
        unsigned size_class = round % 2 == 0 ? 9 : 8; // bitmaps of unlike length, one pool
        struct hak_slab *slab = hak_slab_new(&owner, size_class);
        expect(slab != NULL);
        for (unsigned i = 0; i < slab->blocks; i++)
            expect(*hak_slab_note(slab, i) == 0, "block %u in round %u", i, round);
        memset((void *)hak_slab_note(slab, 0), 1, slab->blocks);
        hak_slab_trim(&owner);
    }
}

Test(hardening, a_shuffle_loses_nothing)
{
    void *blocks[64];
    unsigned moved = 0;
    uint64_t seen = 0;
    for (uintptr_t i = 0; i < 64; i++)
        blocks[i] = (void *)i;
    hak_hardening_shuffle(blocks, 64);
    for (uintptr_t i = 0; i < 64; i++) {
        seen |= (uint64_t)1 << (uintptr_t)blocks[i];
        moved += blocks[i] != (void *)i;
    }
    expect(seen == UINT64_MAX && moved > 32, "%u moved", moved);
    hak_hardening_shuffle(blocks, 0);
    hak_hardening_shuffle(blocks, 1);
}

Test(hardening, random_numbers_are_spread)
{
    unsigned counts[10] = {0};
    for (unsigned i = 0; i < 10000; i++)
        counts[hak_random_below(10)]++;
    for (unsigned i = 0; i < 10; i++)
        expect(counts[i] > 800 && counts[i] < 1200, "%u: %u", i, counts[i]);
    expect(hak_random_below(1) == 0 && hak_random_hash(1) == hak_random_hash(1));
    expect(hak_random_hash(1) != hak_random_hash(2));
}

Test(hardening, it_can_be_switched_off)
{
    expect(hak_hardening_on());
    hak_options.hardening = 0;
    expect(!hak_hardening_on());
}

// --- full only

Test(hardening, a_byte_past_the_end_is_seen)
{
    for (unsigned size_class = 1; FULL && size_class < 40; size_class += 3) {
        char *block = alloc(size_class);
        block[usable(size_class)] = 0; // as by strcpy
        expect_panic(take_back, block, "write past the end of 0x");
    }
}

Test(hardening, a_byte_in_a_free_block_is_seen)
{
    for (unsigned size_class = 1; FULL && !HAK_HEADER_CLASSIDX && size_class < 40;
         size_class += 3) {
        char *block = core_alloc(size_class);
        block[hak_class_usable(size_class) / 2] = 1;
        expect_panic(hand_out, block, "write after free to 0x");
        block[hak_class_usable(size_class) / 2] = 0;
        hak_hardening_hand_out(block);
    }
}

Test(hardening, small_blocks_rest)
{
    if (!FULL)
        return;
    char *block = alloc(4), *large = alloc(40);
    expect(what_to_free(large) == large, "not the large ones");
    expect(is_filled(large, 0, hak_class_usable(40)));
    expect(what_to_free(block) == NULL && hak_quarantine_end() == block);
    hak_options.quarantine = 0;
    block = alloc(4);
    expect(what_to_free(block) == block);
}

// --- sampled blocks, without the faults: the fake boundary knows no pages

static void *guarded(size_t bytes)
{
    char *p = hak_guarded_alloc(bytes);
    expect(p == NULL || hak_guarded_usable(p, "wrong use of", "late use of") == bytes);
    expect(p == NULL || ((uintptr_t)p % 16 == 0 && hak_guarded_owns(p) && is_filled(p, 0, bytes)));
    return p;
}

static void free_guarded(void *p)
{
    hak_guarded_free(p);
}

// Reports on sampled blocks name callers too.
static void expect_report(void *p, const char *text)
{
    const struct outcome *outcome = in_child(free_guarded, p);
    expect(outcome->signal == SIGABRT && strstr(outcome->errors, text) != NULL);
    expect(strstr(outcome->errors, "callers near the allocation") != NULL);
    expect(strstr(outcome->errors, "box_hardening") != NULL, "%s", outcome->errors);
}

static void sample_all(void)
{
    small_registry();
    hak_options.sample = 1;
    hak_guarded_start();
}

TestSuite(guarded, .init = sample_all);

Test(guarded, blocks_end_with_their_page)
{
    for (size_t bytes = 0; FULL && bytes <= HAK_MIN_PAGE_BYTES; bytes += 7) {
        char *p = guarded(bytes);
        expect(p != NULL &&
               (uintptr_t)(p + (bytes > 0 ? bytes : 1) + 15) % HAK_MIN_PAGE_BYTES < 16);
        memset(p, 2, bytes);
        hak_guarded_free(p);
    }
    expect(hak_guarded_alloc(HAK_MIN_PAGE_BYTES + 1) == NULL, "not on a page");
}

Test(guarded, misuse_is_reported)
{
    if (!FULL)
        return;
    char *p = guarded(40), *q = guarded(40);
    expect_report(p + 16, "invalid free of 0x");
    p[40] = 0;
    expect_report(p, "write past the end of 0x");
    hak_guarded_free(q);
    expect_report(q, "double free of 0x");
}

static _Atomic bool xstop_asking;

static void *ask_for_size(void *p)
{
    while (!xstop_asking)
        expect(hak_guarded_usable(p, "wrong use of", "late use of") == 40);
    return NULL;
}

Test(guarded, threads_may_ask_for_one_size)
{
    if (!FULL)
        return;
    pthread_t thread;
    void *p = guarded(40);
    expect(pthread_create(&thread, NULL, ask_for_size, p) == 0);
    for (unsigned i = 0; i < 300000; i++)
        expect(hak_guarded_usable(p, "wrong use of", "late use of") == 40);
    xstop_asking = true;
    pthread_join(thread, NULL);
    hak_guarded_free(p);
}

Test(guarded, it_runs_out_and_goes_on)
{
    void *blocks[300] = {NULL};
    unsigned made = 0;
    while (FULL && (blocks[made] = guarded(100)) != NULL)
        made++;
    expect(made == (FULL ? 256 : 0));
    for (unsigned i = 0; i < made; i++)
        hak_guarded_free(blocks[i]);
    expect(!FULL || guarded(100) != NULL);
}

Test(guarded, refusals_leave_an_ordinary_block)
{
    hak_fake_os_fail(0, 1);
    expect(hak_guarded_alloc(40) == NULL);
    hak_fake_os_fail(0, 0);
    expect(!FULL || guarded(40) != NULL);
}

Test(guarded, about_one_in_so_many)
{
    unsigned made = 0;
    hak_options.sample = 100;
    for (unsigned i = 0; i < 10000; i++) {
        void *p = guarded(40);
        made += p != NULL;
        if (p != NULL)
            hak_guarded_free(p);
    }
    expect(FULL ? made > 50 && made < 200 : made == 0, "%u", made);
}
