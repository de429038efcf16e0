// Threads that free the blocks of one owner, while it drains and hands out again.
//   remote_threads [SEED [SECONDS [THREADS]]]
//
// The first word of a block is HELD from the moment it is handed out until it is freed: no block is
// handed out twice.  Again and again the owner waits until everything was put: then one drain has
// to bring all blocks home.
#include "../core/expect.h"
#include "dice.h"
#include "hak_os_boundary_fake.h"
#include "hak_remote_queue.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { MAX_THREADS = 16, BOX_SLOTS = 128, BATCH = 32, HELD = 0x48454c44 };

static struct hak_remote_owner owner = {.slabs.tag = 1 << HAK_ENTRY_OWNER_SHIFT};
static uint64_t handed_out, sent, came_home; // the owner's figures

// How blocks get from the owner to a putter.
struct mailbox {
    void *_Atomic xblocks[BOX_SLOTS];
    _Atomic uint64_t xput;
    pthread_t thread;
    uint64_t seed;
};
static struct mailbox boxes[MAX_THREADS];
static _Atomic bool xstop;

static void let_go(void *block)
{
    uint32_t was = atomic_exchange_explicit((_Atomic uint32_t *)block, 0, memory_order_relaxed);
    EXPECT(was == HELD, "%p was not handed out: %x", block, was);
}

// Puts blocks, those of one slab and word together.
static void put_batch(void **blocks, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (blocks[i] == NULL)
            continue;
        struct hak_slab *slab = hak_slab_of(blocks[i]);
        unsigned word = hak_slab_index(slab, blocks[i]) / 64;
        uint64_t bits = 0;
        for (unsigned j = i; j < count; j++) {
            if (blocks[j] == NULL || hak_slab_of(blocks[j]) != slab)
                continue;
            unsigned index = hak_slab_index(slab, blocks[j]);
            EXPECT(index < slab->blocks, "%p is no block", blocks[j]);
            if (index / 64 != word)
                continue;
            bits |= (uint64_t)1 << (index % 64);
            let_go(blocks[j]);
            blocks[j] = NULL;
        }
        hak_remote_put(slab, word, bits);
    }
}

static void *put_what_comes(void *argument)
{
    struct mailbox *box = argument;
    struct dice dice = {box->seed};
    void *batch[BATCH];
    while (!atomic_load_explicit(&xstop, memory_order_relaxed)) {
        unsigned count = 0, want = 1 + dice_roll(&dice, BATCH);
        for (unsigned i = 0; i < BOX_SLOTS && count < want; i++) {
            if (atomic_load_explicit(&box->xblocks[i], memory_order_relaxed) == NULL)
                continue;
            // acquire: pairs with the release in hand_out
            batch[count++] = atomic_exchange_explicit(&box->xblocks[i], NULL, memory_order_acquire);
        }
        if (count == 0)
            sched_yield();
        put_batch(batch, count);
        // release: pairs with the acquire in expect_all_home
        atomic_fetch_add_explicit(&box->xput, count, memory_order_release);
    }
    return NULL;
}

static void *take_block(unsigned size_class)
{
    struct hak_slab *slab = owner.slabs.usable[size_class];
    if (slab == NULL)
        slab = hak_slab_new(&owner.slabs, size_class);
    EXPECT(slab != NULL, "no memory");
    unsigned word = 0;
    while (hak_slab_free_bits(slab, word) == 0)
        word++;
    unsigned bit = hak_ctz64(hak_slab_free_bits(slab, word));
    hak_slab_take(slab, word, (uint64_t)1 << bit);
    void *block = hak_slab_block(slab, word * 64 + bit);
    uint32_t was = atomic_exchange_explicit((_Atomic uint32_t *)block, HELD, memory_order_relaxed);
    EXPECT(was == 0, "%p was handed out twice: %x", block, was);
    handed_out++;
    return block;
}

static void free_locally(void *block)
{
    struct hak_slab *slab = hak_slab_of(block);
    unsigned index = hak_slab_index(slab, block);
    let_go(block);
    hak_slab_put(slab, index / 64, (uint64_t)1 << (index % 64));
    hak_slab_settle(slab);
    came_home++;
}

// Many blocks a slab, a few, and one: the last are released and made all the time.
static unsigned any_class(struct dice *dice)
{
    static const unsigned classes[] = {1, 1, 9, 24, 40, 49};
    return classes[dice_roll(dice, sizeof classes / sizeof classes[0])];
}

static void hand_out(struct dice *dice, unsigned threads)
{
    struct mailbox *box = &boxes[dice_roll(dice, threads)];
    unsigned size_class = any_class(dice), first = dice_roll(dice, BOX_SLOTS - BATCH);
    for (unsigned i = first; i < first + BATCH; i++) {
        if (atomic_load_explicit(&box->xblocks[i], memory_order_relaxed) != NULL)
            continue;
        // release: pairs with the acquire in put_what_comes
        atomic_store_explicit(&box->xblocks[i], take_block(size_class), memory_order_release);
        sent++;
    }
}

static void expect_all_home(unsigned threads)
{
    uint64_t put;
    do {
        sched_yield();
        put = 0;
        for (unsigned i = 0; i < threads; i++)
            put += atomic_load_explicit(&boxes[i].xput, memory_order_acquire);
    } while (put != sent);
    came_home += hak_remote_drain(&owner);
    EXPECT(came_home == handed_out, "%llu of %llu", (unsigned long long)came_home,
           (unsigned long long)handed_out);
    EXPECT(!hak_remote_pending(&owner), "something waits");
    hak_slab_owner_check(&owner.slabs);
}

static void one_round(struct dice *dice, unsigned threads)
{
    for (unsigned i = dice_roll(dice, 100); i > 0; i--) {
        hand_out(dice, threads);
        if (dice_roll(dice, 2) == 0)
            came_home += hak_remote_drain(&owner);
        if (dice_roll(dice, 4) == 0)
            free_locally(take_block(any_class(dice)));
        if (dice_roll(dice, 50) == 0)
            hak_slab_trim(&owner.slabs);
    }
    expect_all_home(threads);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    struct dice dice = dice_from(argc > 1 ? strtoull(argv[1], NULL, 10) : 1);
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2, rounds = 0;
    EXPECT(threads > 0 && threads <= MAX_THREADS, "1 to %d threads", MAX_THREADS);
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    hak_fake_os_limit(16 * 1024 * 1024); // a small window for the flat registry
    free_locally(take_block(1));
    hak_fake_os_limit((size_t)1 << 30);
    for (unsigned i = 0; i < threads; i++) {
        boxes[i].seed = dice_bits(&dice);
        EXPECT(pthread_create(&boxes[i].thread, NULL, put_what_comes, &boxes[i]) == 0, "thread");
    }
    for (double end = seconds_now() + seconds; seconds_now() < end; rounds++)
        one_round(&dice, threads);
    atomic_store(&xstop, true);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(boxes[i].thread, NULL);
    hak_slab_trim(&owner.slabs);
    EXPECT(owner.slabs.slabs == 0, "%zu slabs are not empty", owner.slabs.slabs);
    EXPECT(sent > 0, "nothing was sent");
    fprintf(stderr, "%u rounds, %llu blocks, %llu of them freed by %u threads\n", rounds,
            (unsigned long long)handed_out, (unsigned long long)sent, threads);
}
