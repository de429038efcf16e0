// Slabs: carving, taking, putting back, releasing.
#include "hak_meta.h"
#include "hak_option.h"
#include "hak_slab.h"
#include "hak_sweep.h"

#include <string.h>

// Descriptors by the power of two that holds their bitmap words: 1, 2, 4, ... HAK_SLAB_MAX_WORDS.
enum { DESCRIPTOR_POOLS = 8 };
_Static_assert(1 << (DESCRIPTOR_POOLS - 1) == HAK_SLAB_MAX_WORDS, "the last pool fits the class 0");
_Static_assert(HAK_SLAB_MAX_WORDS <= UINT8_MAX && HAK_CLASS_COUNT <= UINT8_MAX, "a byte each");

#define POOL(order)                                                                                \
    {                                                                                              \
        .bytes = sizeof(struct hak_slab) + ((2 * sizeof(uint64_t) + HAK_SLAB_NOTES) << (order)),   \
        .link_offset = offsetof(struct hak_slab, next),                                            \
    }
static struct hak_meta_pool descriptor_pools[DESCRIPTOR_POOLS] = {
    POOL(0), POOL(1), POOL(2), POOL(3), POOL(4), POOL(5), POOL(6), POOL(7),
};

static struct hak_meta_pool *pool_for(unsigned words)
{
    unsigned order = words == 1 ? 0 : (unsigned)HAK_LOG2(words - 1) + 1;
    return &descriptor_pools[order];
}

// Descriptors of the first pool, those of classes from 1 KiB on, come and go so often that each
// owner keeps a few of them to itself rather than ask for the lock that all share.
enum { MOST_SPARES = 16 };

static struct hak_slab *take_descriptor(struct hak_slab_owner *owner, struct hak_meta_pool *pool)
{
    struct hak_slab *slab = owner->spare;
    if (pool != descriptor_pools || slab == NULL)
        return hak_meta_take(pool);
    owner->spare = slab->next;
    owner->spares--;
    return slab;
}

static void give_descriptor(struct hak_slab *slab)
{
    struct hak_slab_owner *owner = slab->owner;
    struct hak_meta_pool *pool = pool_for(slab->words);
    if (pool != descriptor_pools || owner->spares >= MOST_SPARES) {
        hak_meta_give(pool, slab);
        return;
    }
    slab->next = owner->spare;
    owner->spare = slab;
    owner->spares++;
}

static void set_free_bits(struct hak_slab *slab, size_t word, uint64_t bits)
{
    atomic_store_explicit(&slab->xbits[word], bits, memory_order_relaxed);
}

_Noreturn static void double_free(const struct hak_slab *slab, unsigned word, uint64_t bits)
{
    hak_panic("double free of", hak_slab_block(slab, word * 64 + hak_ctz64(bits)),
              "the block was free already; run with AddressSanitizer to find who freed it first");
}

static void list(struct hak_slab *slab)
{
    struct hak_slab **head = &slab->owner->usable[slab->size_class];
    slab->previous = NULL;
    slab->next = *head;
    if (*head != NULL)
        (*head)->previous = slab;
    *head = slab;
}

static void unlist(struct hak_slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        slab->owner->usable[slab->size_class] = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

// Marks all blocks free.
static void carve(struct hak_slab *slab)
{
    for (unsigned word = 0; word < slab->words; word++) {
        unsigned left = slab->blocks - word * 64u;
        set_free_bits(slab, word, hak_bits_below64(left < 64 ? left : 64));
        atomic_store_explicit(hak_slab_remote_word(slab, word), 0, memory_order_relaxed);
    }
    if (HAK_SLAB_NOTES != 0)
        memset((void *)hak_slab_note(slab, 0), 0, slab->blocks);
    slab->free_blocks = slab->blocks;
    slab->first_word = 0;
    slab->fresh_index = slab->span.zero ? 0 : slab->blocks;
    slab->came_home = 0;
}

// Newton's iteration for 1 / odd modulo 2^64: an odd number is its own inverse in 3 bits, and each
// step doubles their count.
static uint64_t inverse_of_odd(uint64_t odd)
{
    uint64_t inverse = odd;
    for (unsigned bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

static void describe(struct hak_slab *slab, struct hak_slab_owner *owner, unsigned size_class,
                     const struct hak_span *span)
{
    slab->first_block = span->base + hak_class_first_byte(size_class);
    slab->stride = (uint32_t)hak_class_stride(size_class);
    slab->twos = (uint8_t)hak_ctz64(slab->stride);
    slab->inverse = inverse_of_odd(slab->stride >> slab->twos);
    slab->blocks = (uint16_t)hak_class_blocks(size_class);
    slab->words = (uint8_t)((slab->blocks + 63u) / 64);
    slab->size_class = (uint8_t)size_class;
    slab->owner = owner;
    slab->span = *span;
    for (unsigned i = 0; i < HAK_SLAB_MAX_PAGES / 64; i++)
        slab->purged[i] = 0;
}

// Whether large pages are worth their memory: what an owner has begun to fill is some 2 MiB, a slab
// of each class, however much it uses; eight times as much where slabs have eight granules.
static bool wants_large_pages(const struct hak_slab_owner *owner, unsigned size_class)
{
    enum { FROM_BYTES_A_GRANULE = 4 * 1024 * 1024 };
    size_t from_bytes = (size_t)hak_class_granules(size_class) * FROM_BYTES_A_GRANULE;
    return hak_options.huge && owner->span_bytes - owner->free_bytes >= from_bytes;
}

struct hak_slab *hak_slab_new(struct hak_slab_owner *owner, unsigned size_class)
{
    struct hak_meta_pool *pool = pool_for((hak_class_blocks(size_class) + 63) / 64);
    struct hak_slab *slab = take_descriptor(owner, pool);
    if (slab == NULL)
        return NULL;
    struct hak_span span;
    if (!hak_span_take(hak_class_granules(size_class), wants_large_pages(owner, size_class),
                       &span)) {
        hak_meta_give(pool, slab);
        return NULL;
    }
    describe(slab, owner, size_class, &span);
    carve(slab);
    uint32_t entry = owner->tag | size_class << HAK_BIN_SHIFT;
    if (!hak_page_registry_add(span.base, span.granules, entry, slab)) {
        hak_span_give(&span);
        hak_meta_give(pool, slab);
        return NULL;
    }
    list(slab);
    owner->slabs++;
    owner->span_bytes += (size_t)span.granules * HAK_GRANULE_BYTES;
    owner->free_bytes += (size_t)slab->blocks * slab->stride;
    // Last: a late pin of the descriptor's former life may now succeed, and finds a whole slab.
    hak_slab_unpin(slab);
    return slab;
}

// Gives an empty slab's memory back.  False: somebody holds a pin; the slab stays.
static bool release(struct hak_slab *slab)
{
    HAK_ASSERT(slab->free_blocks == slab->blocks);
    uint32_t open = HAK_SLAB_OPEN;
    // acq_rel: after this, no thread announces the slab any more
    if (!atomic_compare_exchange_strong_explicit(&slab->xpin, &open, HAK_SLAB_CLOSED,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    unlist(slab);
    slab->owner->slabs--;
    slab->owner->span_bytes -= (size_t)slab->span.granules * HAK_GRANULE_BYTES;
    slab->owner->free_bytes -= (size_t)slab->blocks * slab->stride;
    hak_page_registry_remove(slab->span.base, slab->span.granules);
    hak_span_give(&slab->span);
    give_descriptor(slab);
    return true;
}

void hak_slab_take(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    uint64_t free = hak_slab_free_bits(slab, word);
    HAK_ASSERT(bits != 0 && (bits & ~free) == 0);
    set_free_bits(slab, word, free & ~bits);
    unsigned count = hak_popcount64(bits);
    slab->free_blocks -= count;
    slab->came_home -= (uint16_t)(count < slab->came_home ? count : slab->came_home);
    slab->owner->free_bytes -= (size_t)count * slab->stride;
    unsigned end = word * 64 + (unsigned)HAK_LOG2(bits) + 1;
    if (slab->fresh_index < end)
        slab->fresh_index = (uint16_t)end;
    hak_sweep_taken(slab, word * 64 + hak_ctz64(bits), end);
    while (slab->first_word < slab->words && hak_slab_free_bits(slab, slab->first_word) == 0)
        slab->first_word++;
    if (slab->first_word == slab->words)
        unlist(slab);
}

void hak_slab_put(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    uint64_t free = hak_slab_free_bits(slab, word);
    if (HAK_UNLIKELY((free & bits) != 0))
        double_free(slab, word, free & bits);
    set_free_bits(slab, word, free | bits);
    if (word < slab->first_word) {
        if (slab->free_blocks == 0)
            list(slab);
        slab->first_word = (uint16_t)word;
    }
    slab->free_blocks += hak_popcount64(bits);
    slab->owner->free_bytes += (size_t)hak_popcount64(bits) * slab->stride;
}

unsigned hak_slab_put_each(struct hak_slab *slab, void *const *blocks, unsigned count)
{
    if (HAK_UNLIKELY(slab->free_blocks == 0))
        return 0;
    struct hak_slab_grid grid = hak_slab_grid(slab);
    size_t given = 0, first_word = slab->first_word;
    do {
        uint64_t index = hak_slab_grid_index(grid, blocks[given]);
        if (index >= grid.blocks)
            break;
        uint64_t word = index / 64, bits = hak_slab_free_bits(slab, word);
        if (HAK_UNLIKELY(hak_test_and_set(&bits, index)))
            break;
        set_free_bits(slab, word, bits);
        first_word = word < first_word ? word : first_word;
    } while (++given < count);
    slab->first_word = (uint16_t)first_word;
    slab->free_blocks += (unsigned)given;
    slab->owner->free_bytes += given * slab->stride;
    return (unsigned)given;
}

bool hak_slab_settle(struct hak_slab *slab)
{
    // One empty slab of a small class is kept: it is soon needed again, and cheap.
    bool keep = slab->next == NULL && slab->previous == NULL && slab->span.granules == 1;
    return slab->free_blocks == slab->blocks && !keep && release(slab);
}

void hak_slab_trim(struct hak_slab_owner *owner)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *next;
        for (struct hak_slab *slab = owner->usable[size_class]; slab != NULL; slab = next) {
            next = slab->next;
            if (slab->free_blocks == slab->blocks)
                release(slab);
        }
    }
}

void hak_slab_check(const struct hak_slab *slab)
{
    unsigned free = 0;
    for (unsigned word = 0; word < slab->words; word++) {
        uint64_t bits = hak_slab_free_bits(slab, word);
        uint64_t remote = atomic_load_explicit(&slab->xbits[slab->words + word],
                                               memory_order_relaxed);
        if ((bits & remote) != 0)
            double_free(slab, word, bits & remote);
        HAK_CHECK(bits == 0 || word >= slab->first_word);
        free += hak_popcount64(bits);
    }
    HAK_CHECK(free == 0 ? slab->first_word == slab->words
                        : hak_slab_free_bits(slab, slab->first_word) != 0);
    HAK_CHECK(free == slab->free_blocks && free <= slab->blocks && slab->came_home <= free);
    HAK_CHECK(slab->xpin != HAK_SLAB_CLOSED);
    HAK_CHECK(hak_slab_of(slab->first_block) == slab);
    HAK_CHECK(hak_slab_index(slab, hak_slab_block(slab, slab->blocks - 1u)) == slab->blocks - 1u);
}

void hak_slab_owner_check(const struct hak_slab_owner *owner)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        for (const struct hak_slab *slab = owner->usable[size_class]; slab != NULL;
             slab = slab->next) {
            HAK_CHECK(slab->owner == owner && slab->size_class == size_class &&
                      slab->free_blocks > 0);
            HAK_CHECK(slab->next == NULL || slab->next->previous == slab);
            hak_slab_check(slab);
        }
    }
    unsigned spares = 0;
    for (const struct hak_slab *slab = owner->spare; slab != NULL; slab = slab->next, spares++)
        HAK_CHECK(slab->xpin == HAK_SLAB_CLOSED); // nobody announces it
    HAK_CHECK(spares == owner->spares && spares <= MOST_SPARES);
}
