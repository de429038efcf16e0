// Remote frees: what other threads put comes home once, and slabs wait for it.
#include "hak_remote_queue.h"
#include "small_registry.h"

enum { TAG = 1 << HAK_ENTRY_OWNER_SHIFT, CLASS = 0, POOL_CLASS = 40 };

static struct hak_remote_owner owner = {.slabs.tag = TAG};

TestSuite(remote_queue, .init = small_registry);

static uint64_t all_bits(const struct hak_slab *slab, unsigned word)
{
    unsigned left = slab->blocks - word * 64u;
    return hak_bits_below64(left < 64 ? left : 64);
}

// A slab whose blocks are all taken.
static struct hak_slab *taken_slab(unsigned size_class)
{
    struct hak_slab *slab = hak_slab_new(&owner.slabs, size_class);
    expect(slab != NULL);
    for (unsigned word = 0; word < slab->words; word++)
        hak_slab_take(slab, word, all_bits(slab, word));
    return slab;
}

static void put(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    hak_remote_put(slab, word, bits);
    hak_slab_check(slab);
    expect(hak_remote_pending(&owner));
    expect((*hak_slab_remote_word(slab, word) & bits) == bits);
}

static void drain(size_t blocks)
{
    size_t drained = hak_remote_drain(&owner);
    expect(drained == blocks, "%zu, not %zu blocks", drained, blocks);
    hak_slab_owner_check(&owner.slabs);
    expect(!hak_remote_pending(&owner) && hak_remote_drain(&owner) == 0);
}

static unsigned in_inbox(const struct hak_slab *wanted)
{
    unsigned count = 0;
    const struct hak_slab *slab = owner.xinbox;
    for (unsigned i = 0; slab != NULL && i < 1000; i++, slab = slab->inbox_next)
        count += slab == wanted;
    return count;
}

Test(remote_queue, nothing_waits_at_first)
{
    expect(!hak_remote_pending(&owner) && hak_remote_drain(&owner) == 0);
    struct hak_slab *slab = taken_slab(CLASS);
    expect(!hak_remote_pending(&owner) && hak_remote_drain(&owner) == 0 && slab->free_blocks == 0);
}

Test(remote_queue, every_word_of_a_slab_comes_home)
{
    struct hak_slab *slab = taken_slab(CLASS);
    for (unsigned word = 0; word < slab->words; word++) {
        put(slab, word, 0x8000000000000001);
        put(slab, word, 0x0000000100000000);
        expect(in_inbox(slab) == 1, "announced once");
    }
    drain(3 * slab->words);
    expect(slab->free_blocks == 3 * slab->words && owner.slabs.usable[CLASS] == slab);
    for (unsigned word = 0; word < slab->words; word++)
        expect(hak_slab_free_bits(slab, word) == 0x8000000100000001 &&
               *hak_slab_remote_word(slab, word) == 0);
    put(slab, 0, 2); // and again, after a drain
    drain(1);
    expect(hak_slab_free_bits(slab, 0) == 0x8000000100000003);
}

Test(remote_queue, many_slabs_of_many_classes)
{
    struct hak_slab *slabs[3 * HAK_CLASS_COUNT];
    size_t blocks = 0;
    for (unsigned i = 0; i < 3 * HAK_CLASS_COUNT; i++)
        slabs[i] = taken_slab(i % HAK_CLASS_COUNT);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3 * HAK_CLASS_COUNT; i++) {
            uint64_t bit = (uint64_t)1 << round;
            if ((all_bits(slabs[i], 0) & bit) == 0)
                continue;
            put(slabs[i], 0, bit);
            blocks++;
        }
    }
    for (unsigned i = 0; i < 3 * HAK_CLASS_COUNT; i++)
        expect(in_inbox(slabs[i]) == 1);
    drain(blocks);
}

Test(remote_queue, owners_get_their_own)
{
    static struct hak_remote_owner other = {.slabs.tag = 2 * TAG};
    struct hak_slab *mine = taken_slab(CLASS), *theirs = hak_slab_new(&other.slabs, CLASS);
    hak_slab_take(theirs, 0, 1);
    hak_remote_put(theirs, 0, 1);
    expect(hak_remote_pending(&other) && !hak_remote_pending(&owner));
    put(mine, 0, 3);
    drain(2);
    expect(hak_remote_drain(&other) == 1 && theirs->free_blocks == theirs->blocks);
}

// --- slabs are released by the drain, and not before

Test(remote_queue, an_announced_slab_waits_for_its_drain)
{
    struct hak_slab *spare = hak_slab_new(&owner.slabs, CLASS), *slab = taken_slab(CLASS);
    hak_remote_put(slab, 0, 1);
    for (unsigned word = 0; word < slab->words; word++) {
        hak_slab_put(slab, word, all_bits(slab, word) - (word == 0 ? 1 : 0));
        expect(!hak_slab_settle(slab), "one block is in the remote word");
    }
    hak_slab_trim(&owner.slabs); // releases the spare one only
    expect(owner.slabs.slabs == 1 && owner.slabs.usable[CLASS] == slab, "not %p", (void *)spare);
    drain(1);
    expect(slab->free_blocks == slab->blocks);
    hak_slab_trim(&owner.slabs);
    expect(owner.slabs.slabs == 0);
}

Test(remote_queue, a_drain_releases_what_it_empties)
{
    struct hak_slab *slabs[5];
    size_t blocks = 0;
    for (unsigned i = 0; i < 5; i++)
        slabs[i] = taken_slab(POOL_CLASS);
    for (unsigned i = 0; i < 5; i++) {
        put(slabs[i], 0, all_bits(slabs[i], 0));
        blocks += slabs[i]->blocks;
    }
    drain(blocks);
    expect(owner.slabs.slabs <= 1, "%zu slabs", owner.slabs.slabs);
}

Test(remote_queue, drain_after_others_were_released)
{
    struct hak_slab *slabs[4];
    for (unsigned i = 0; i < 4; i++)
        slabs[i] = taken_slab(POOL_CLASS);
    put(slabs[0], 0, 1);
    put(slabs[2], 0, 1);
    hak_slab_put(slabs[1], 0, 1);
    hak_slab_put(slabs[3], 0, all_bits(slabs[3], 0));
    expect(hak_slab_settle(slabs[3]), "nobody announced it");
    struct hak_slab *reused = taken_slab(POOL_CLASS);
    expect(reused == slabs[3], "the same descriptor");
    put(reused, 0, 2);
    drain(3);
    expect(owner.slabs.slabs == 4 && reused->free_blocks == 1 && slabs[0]->free_blocks == 1);
}

// --- double frees

static void put_bit_again(void *slab)
{
    hak_remote_put(slab, 1, 4);
}

static void drain_once(void *unused)
{
    (void)unused;
    hak_remote_drain(&owner);
}

Test(remote_queue, a_second_put_is_a_double_free)
{
    struct hak_slab *slab = taken_slab(CLASS);
    put(slab, 1, 12);
    char text[64];
    snprintf(text, sizeof text, "double free of %p:", (void *)hak_slab_block(slab, 64 + 2));
    expect_panic(put_bit_again, slab, text);
}

Test(remote_queue, a_put_of_a_free_block_is_seen_by_the_drain)
{
    struct hak_slab *slab = taken_slab(CLASS);
    hak_slab_put(slab, 1, 4);
    hak_remote_put(slab, 1, 4);
    char text[64];
    snprintf(text, sizeof text, "double free of %p:", (void *)hak_slab_block(slab, 64 + 2));
    expect_panic(drain_once, NULL, text);
}

// --- a random history against arrays

enum { SLABS = 6 };
enum where { FREE, TAKEN, WAITING };
static struct {
    struct hak_slab *slab;
    unsigned char blocks[HAK_SLAB_MAX_BLOCKS]; // enum where
} model[SLABS];

static size_t model_count(unsigned i, enum where where)
{
    size_t count = 0;
    for (unsigned j = 0; j < model[i].slab->blocks; j++)
        count += model[i].blocks[j] == where;
    return count;
}

// Moves some blocks of one word that are at `from`.  Returns them.
static uint64_t model_move(struct dice *dice, unsigned i, unsigned word, enum where from,
                           enum where to)
{
    uint64_t chosen = dice_bits(dice) | dice_bits(dice), moved = 0;
    for (unsigned bit = 0; bit < 64 && word * 64 + bit < model[i].slab->blocks; bit++) {
        unsigned char *where = &model[i].blocks[word * 64 + bit];
        if (*where == from && (chosen >> bit & 1) != 0) {
            *where = (unsigned char)to;
            moved |= (uint64_t)1 << bit;
        }
    }
    return moved;
}

static void step_on_slab(struct dice *dice, unsigned i)
{
    struct hak_slab *slab = model[i].slab;
    unsigned word = dice_roll(dice, slab->words);
    uint64_t bits;
    switch (dice_roll(dice, 3)) {
    case 0:
        if ((bits = model_move(dice, i, word, FREE, TAKEN)) != 0)
            hak_slab_take(slab, word, bits);
        break;
    case 1:
        if ((bits = model_move(dice, i, word, TAKEN, FREE)) != 0) {
            hak_slab_put(slab, word, bits);
            if (hak_slab_settle(slab)) {
                expect(model_count(i, FREE) == slab->blocks);
                model[i].slab = NULL;
            }
        }
        break;
    default:
        if ((bits = model_move(dice, i, word, TAKEN, WAITING)) != 0)
            hak_remote_put(slab, word, bits);
    }
}

static void drain_model(unsigned size_class)
{
    size_t waiting = 0, others = 0, empty = 0;
    for (unsigned i = 0; i < SLABS; i++)
        waiting += model[i].slab != NULL ? model_count(i, WAITING) : 0;
    drain(waiting);
    // The drain may have released slabs that it emptied: those that the registry forgot.
    for (unsigned i = 0; i < SLABS; i++) {
        if (model[i].slab == NULL)
            continue;
        bool was_waiting = model_count(i, WAITING) > 0;
        bool gone = model[i].slab->xpin == HAK_SLAB_CLOSED;
        for (unsigned j = 0; j < model[i].slab->blocks; j++)
            model[i].blocks[j] = model[i].blocks[j] == WAITING ? FREE : model[i].blocks[j];
        bool is_empty = model_count(i, FREE) == model[i].slab->blocks;
        expect(!gone || (was_waiting && is_empty), "released too early");
        empty += !gone && is_empty;
        others += !gone && !is_empty && model_count(i, FREE) > 0;
        if (gone)
            model[i].slab = NULL;
    }
    expect(owner.slabs.usable[size_class] != NULL || (empty == 0 && others == 0));
}

static void expect_model(unsigned i)
{
    const struct hak_slab *slab = model[i].slab;
    hak_slab_check(slab);
    for (unsigned j = 0; j < slab->blocks; j++) {
        bool is_free = hak_slab_free_bits(slab, j / 64) >> (j % 64) & 1;
        bool is_waiting = slab->xbits[slab->words + j / 64] >> (j % 64) & 1;
        expect(is_free == (model[i].blocks[j] == FREE), "block %u", j);
        expect(is_waiting == (model[i].blocks[j] == WAITING), "block %u", j);
    }
}

static void random_history(struct dice *dice, unsigned size_class, unsigned steps)
{
    memset(model, 0, sizeof model);
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = dice_roll(dice, SLABS);
        if (model[i].slab == NULL) {
            model[i].slab = hak_slab_new(&owner.slabs, size_class);
            memset(model[i].blocks, FREE, sizeof model[i].blocks);
        } else if (dice_roll(dice, 20) == 0) {
            drain_model(size_class);
        } else {
            step_on_slab(dice, i);
        }
        size_t slabs = 0;
        for (unsigned j = 0; j < SLABS; j++)
            slabs += model[j].slab != NULL;
        expect(owner.slabs.slabs == slabs, "%zu slabs, not %zu", owner.slabs.slabs, slabs);
        hak_slab_owner_check(&owner.slabs);
        if (model[i].slab != NULL)
            expect_model(i);
    }
    drain_model(size_class);
    for (unsigned i = 0; i < SLABS; i++) {
        for (unsigned word = 0; model[i].slab != NULL && word < model[i].slab->words; word++) {
            uint64_t taken = all_bits(model[i].slab, word) &
                             ~hak_slab_free_bits(model[i].slab, word);
            hak_slab_put(model[i].slab, word, taken);
        }
    }
    hak_slab_trim(&owner.slabs);
    expect(owner.slabs.slabs == 0);
}

Test(remote_queue, random_histories)
{
    struct dice dice = dice_from(6);
    random_history(&dice, CLASS, 2000);
    random_history(&dice, 9, 3000);
    random_history(&dice, 30, 6000);
    random_history(&dice, 56, 6000); // one block a slab
}
