// What hardened builds note of blocks, and what they do to free ones.
#include "fake_calls.h"
#include "hak_hardening.h"
#include "hak_random.h"
#include "small_registry.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>

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
    expect(!FULL || block[usable(size_class)] != 0, "a string's end would not change it");
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

enum { SHARE = 2048, PLACES = 1024 };

// Frees the thread's share of blocks again and again, and takes what leaves the quarantine for it.
static void *free_and_take(void *blocks)
{
    for (unsigned i = 0; i < 300 * SHARE; i++) {
        void **block = (void **)blocks + i % SHARE;
        *block = *block != NULL ? what_to_free(*block) : NULL;
        if (*block != NULL)
            hand_out(*block);
    }
    return NULL;
}

Test(hardening, threads_exchange_each_block_once)
{
    static void *blocks[2 * SHARE];
    pthread_t thread;
    for (unsigned i = 0; i < 2 * SHARE; i++)
        blocks[i] = alloc(4);
    expect(pthread_create(&thread, NULL, free_and_take, blocks + SHARE) == 0);
    free_and_take(blocks);
    pthread_join(thread, NULL);
    unsigned taken = 0, resting = 0;
    for (unsigned i = 0; i < 2 * SHARE; i++) {
        taken += blocks[i] != NULL;
        expect(blocks[i] == NULL || hak_hardening_check(blocks[i], "wrong use of", "late use of"));
    }
    while (hak_quarantine_end() != NULL)
        resting++;
    expect(resting == (FULL ? PLACES : 0), "each place was drawn, not %u", resting);
    expect(taken + resting == 2 * SHARE, "%u are left", taken + resting);
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

static void *draw(void *ret_numbers)
{
    for (unsigned i = 0; i < 8; i++)
        ((uint32_t *)ret_numbers)[i] = hak_random_below(1u << 31);
    return NULL;
}

Test(hardening, each_thread_has_random_numbers_of_its_own)
{
    uint32_t own[8], others[8];
    pthread_t thread;
    draw(own);
    expect(pthread_create(&thread, NULL, draw, others) == 0);
    pthread_join(thread, NULL);
    expect(memcmp(own, others, sizeof own) != 0);
}

// What the kernel gave to the process, but for its first byte.
static void show_numbers(void *byte)
{
    memcpy((void *)getauxval(AT_RANDOM), byte, 1);
    dprintf(STDERR_FILENO, "%llx %u", (unsigned long long)hak_random_hash(1),
            hak_random_below(1u << 31));
}

Test(hardening, each_process_has_random_numbers_of_its_own)
{
    const struct outcome first = *in_child(show_numbers, "a");
    expect(strcmp(first.errors, in_child(show_numbers, "a")->errors) == 0, "the kernel's alone");
    const char *others = in_child(show_numbers, "b")->errors;
    expect(strncmp(first.errors, others, 8) != 0, "%s, %s", first.errors, others);
    expect(strcmp(strchr(first.errors, ' '), strchr(others, ' ')) != 0);
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
        char *block = alloc(size_class), *canary = block + usable(size_class);
        char was = canary[0];
        canary[0] = 0; // as by strcpy
        expect_panic(take_back, block, "write past the end of 0x");
        canary[0] = was;
        for (unsigned i = 0; i < sizeof(uint64_t); i++) {
            canary[i] ^= 1;
            expect_panic(take_back, block, "write past the end of 0x");
            canary[i] ^= 1;
        }
        free_block(block);
    }
}

Test(hardening, a_byte_in_a_free_block_is_seen)
{
    for (unsigned size_class = 1; FULL && !HAK_HEADER_CLASSIDX && size_class < 40;
         size_class += 3) {
        char *block = core_alloc(size_class);
        size_t bytes = hak_class_usable(size_class);
        size_t places[] = {0, bytes / 2, bytes - 1};
        for (unsigned i = 0; i < 3; i++) {
            block[places[i]] = 1;
            expect_panic(hand_out, block, "write after free to 0x");
            block[places[i]] = 0;
        }
        memset(block, 1, bytes);
        expect_panic(hand_out, block, "write after free to 0x");
        memset(block, 0, bytes);
        hak_hardening_hand_out(block);
    }
}

// Who reads one canary cannot write another.
Test(hardening, canaries_differ)
{
    char *block = alloc(4), *other = alloc(4);
    expect(!FULL || memcmp(block + usable(4), other + usable(4), HAK_CANARY_BYTES) != 0);
}

Test(hardening, small_blocks_rest)
{
    if (!FULL)
        return;
    char *block = alloc(4), *large = alloc(40);
    expect(what_to_free(large) == large, "not the large ones");
    expect(is_filled(large, 0, hak_class_usable(40)));
    expect(what_to_free(block) == NULL && hak_quarantine_end() == block);
    for (unsigned size_class = 1; size_class < HAK_CLASS_COUNT; size_class++) {
        block = alloc(size_class);
        bool rests = what_to_free(block) == NULL;
        expect(rests == (hak_class_usable(size_class) <= 4096), "class %u", size_class);
        expect(!rests || hak_quarantine_end() == block);
    }
    hak_options.quarantine = 0;
    block = alloc(4);
    expect(what_to_free(block) == block);
}

// --- the signal

static void say_mine(int number)
{
    dprintf(STDERR_FILENO, "mine: %d", number);
}

static void start_and_raise(void *sample)
{
    hak_options.sample = *(const int *)sample;
    signal(SIGSEGV, say_mine);
    hak_guarded_start();
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    expect((now.sa_handler != say_mine) == (FULL && hak_options.sample > 0));
    raise(SIGSEGV);
}

Test(hardening, who_had_the_signal_before_still_gets_it)
{
    for (int sample = 0; sample < 2; sample++) {
        const struct outcome *outcome = in_child(start_and_raise, &sample);
        expect(outcome->code == 0 && strcmp(outcome->errors, "mine: 11") == 0,
               "signal %d, exit %d, stderr: %s", outcome->signal, outcome->code, outcome->errors);
    }
}
