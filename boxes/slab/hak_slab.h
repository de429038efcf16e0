// Bitmap slabs: a span cut into equal blocks, with its state outside the blocks.
//
//   span (user memory)        | block 0 | block 1 | block 2 | ...     | rest |
//   descriptor (own memory)   | header | free bitmap | remote bitmap |
//
// A bit of the free bitmap is 1 while the block is in the slab: neither with the user, nor in a
// thread cache, nor in the remote bitmap.
//   INV free_blocks == number of 1 bits; free_blocks + allocated == blocks
//   INV a bit is never 1 in both bitmaps
//   INV a slab is in its owner's list for its class exactly when free_blocks > 0; then word
//       first_word has a free block and none before it has; otherwise first_word == words
//   INV a pinned slab is never released
//
// Threads: an owner is used by one thread at a time, and only that thread touches its slabs; the
// exceptions (remote bitmap, pin) are atomic and belong to the remote queue.
#ifndef HAK_SLAB_H
#define HAK_SLAB_H

#include "hak_page_registry.h"
#include "hak_span.h"

enum { HAK_SLAB_MAX_PAGES = HAK_SLAB_MAX_GRANULES * HAK_GRANULE_BYTES / HAK_MIN_PAGE_BYTES };

// Bytes that the hardening box has for each bitmap word: one a block.
enum { HAK_SLAB_NOTES = HAK_HARDENED ? 64 : 0 };

struct hak_slab;

// Who owns slabs: the part of a heap that this level needs.
struct hak_slab_owner {
    uint32_t tag;                             // owner number << HAK_ENTRY_OWNER_SHIFT; set once
    struct hak_slab *usable[HAK_CLASS_COUNT]; // slabs with free blocks, the next to take from first
    size_t slabs;                             // owned in all
    size_t span_bytes;                        // of all slabs
    size_t free_bytes;                        // of all blocks that are in their slabs
    struct hak_sweep {                        // see hak_sweep.h
        size_t settled_free_bytes;            // the least free_bytes since the last sweep
        size_t purged_bytes;                  // by the last sweep
        size_t retaken_bytes;                 // of them, put to use again
        unsigned patience;                    // doublings of the distance between sweeps
        bool refused;                         // the kernel takes no pages (mlock, seccomp)
    } sweep;
};

enum hak_slab_pin { HAK_SLAB_OPEN, HAK_SLAB_PINNED, HAK_SLAB_CLOSED };

struct hak_slab {
    // Read by every thread that frees one of the blocks, written before the first block exists.
    char *first_block;
    uint64_t reciprocal; // ceil(2^40 / stride): offset -> index without a division
    uint32_t stride;
    uint32_t block_bytes; // of all blocks
    uint16_t blocks;
    uint8_t words; // of one bitmap
    uint8_t size_class;
    uint32_t free_blocks; // the owner's, as what follows `owner`
    struct hak_slab_owner *owner;
    struct hak_slab *next, *previous; // in owner->usable; `next` also links freed descriptors
    uint16_t first_word;  // no free block in any word before this; `words` if there is none at all
    uint16_t fresh_index; // blocks from here on were never handed out
    struct hak_span span;
    uint64_t purged[HAK_SLAB_MAX_PAGES / 64]; // one bit a page: given back, not touched since
    // Written by any thread; a line of its own.
    _Alignas(HAK_CACHE_LINE_BYTES) _Atomic uint32_t xpin; // enum hak_slab_pin
    struct hak_slab *inbox_next;                          // the pin holder's
    // free bitmap, then remote bitmap.  Atomic for the sake of the second.  In hardened builds one
    // byte a block follows, HAK_SLAB_NOTES a word.
    _Alignas(HAK_CACHE_LINE_BYTES) _Atomic uint64_t xbits[];
};

HAK_FAST struct hak_slab *hak_slab_of(const void *p) // Pre: the registry knows p as a slab's
{
    return hak_page_registry_descriptor(p);
}

// Address of a block.  Pre: index < slab->blocks.
HAK_FAST char *hak_slab_block(const struct hak_slab *slab, unsigned index)
{
    return slab->first_block + (size_t)index * slab->stride;
}

enum { HAK_SLAB_NO_INDEX = UINT16_MAX }; // more than any slab has blocks

// Inverse of hak_slab_block.  HAK_SLAB_NO_INDEX when `p` is no block's first byte.
// 2^40 is exact: offset * stride < 2^39 for every class (the condition of Granlund & Montgomery,
// "Division by Invariant Integers using Multiplication", 1994).
HAK_FAST unsigned hak_slab_index(const struct hak_slab *slab, const void *p)
{
    uint64_t offset = (uint64_t)((const char *)p - slab->first_block);
    if (HAK_UNLIKELY(offset >= slab->block_bytes))
        return HAK_SLAB_NO_INDEX;
    unsigned index = (unsigned)(offset * slab->reciprocal >> 40);
    return index * (uint64_t)slab->stride == offset ? index : HAK_SLAB_NO_INDEX;
}

// Bytes of a block that its user may write.
HAK_FAST size_t hak_slab_usable(const struct hak_slab *slab)
{
    return hak_usable_of_stride(slab->stride);
}

HAK_FAST uint64_t hak_slab_free_bits(const struct hak_slab *slab, unsigned word)
{
    return atomic_load_explicit(&slab->xbits[word], memory_order_relaxed);
}

// Whether a block is in the slab.  Threads: the owner's.
HAK_FAST bool hak_slab_is_free(const struct hak_slab *slab, unsigned index)
{
    return (hak_slab_free_bits(slab, index / 64) >> (index % 64) & 1) != 0;
}

HAK_FAST _Atomic uint64_t *hak_slab_remote_word(struct hak_slab *slab, unsigned word)
{
    return &slab->xbits[slab->words + word];
}

// The hardening box's note on a block, 0 in a new slab.  Pre: a hardened build.
HAK_FAST _Atomic uint8_t *hak_slab_note(struct hak_slab *slab, unsigned index)
{
    return (_Atomic uint8_t *)&slab->xbits[2 * slab->words] + index;
}

// A slab of the class, all blocks free, first in its owner's list.  NULL: no memory.
// Threads: the owner's.
struct hak_slab *hak_slab_new(struct hak_slab_owner *owner, unsigned size_class);

// Takes the blocks `bits` of bitmap word `word` out of the slab, and the slab out of its owner's
// list when it has none left.  Pre: bits != 0, all free.  Threads: the owner's.
void hak_slab_take(struct hak_slab *slab, unsigned word, uint64_t bits);

// Puts blocks back: `bits` of word `word`.  Lists the slab again.
// Errors: panics on a block that is free already.  Threads: the owner's.
void hak_slab_put(struct hak_slab *slab, unsigned word, uint64_t bits);

// The same for blocks in any order, if the slab has a free block already.  Stops at the first that is
// none of its blocks, or is free; returns how many come before it.  Threads: the owner's.
HAK_FAST unsigned hak_slab_put_each(struct hak_slab *slab, void *const *blocks, unsigned count)
{
    if (HAK_UNLIKELY(slab->free_blocks == 0))
        return 0;
    unsigned given = 0, first_word = slab->first_word;
    for (; given < count; given++) {
        unsigned index = hak_slab_index(slab, blocks[given]);
        if (index == HAK_SLAB_NO_INDEX)
            break;
        unsigned word = index / 64;
        uint64_t bit = (uint64_t)1 << (index % 64), free = hak_slab_free_bits(slab, word);
        if (HAK_UNLIKELY((free & bit) != 0))
            break;
        atomic_store_explicit(&slab->xbits[word], free | bit, memory_order_relaxed);
        first_word = word < first_word ? word : first_word;
    }
    slab->first_word = (uint16_t)first_word;
    slab->free_blocks += given;
    slab->owner->free_bytes += (size_t)given * slab->stride;
    return given;
}

// To be called after one or more hak_slab_put: releases the slab when it is empty, not pinned, and
// large or not the owner's only one of the class to take from.  Returns true when `slab` is gone.
// Threads: the owner's.
bool hak_slab_settle(struct hak_slab *slab);

// Releases every empty, unpinned slab of the owner.  Threads: the owner's.
void hak_slab_trim(struct hak_slab_owner *owner);

// Pin: while held, the slab is not released.  Any thread may pin a slab that it knows to be alive
// or to have been alive: descriptors stay descriptors, and a released one refuses.
// Returns true when this call pinned it: the caller then has to hand it to the owner, who unpins.
HAK_FAST bool hak_slab_pin(struct hak_slab *slab)
{
    // seq_cst: with hak_slab_unpin and the remote words, see the queue's implementation
    uint32_t open = HAK_SLAB_OPEN;
    return atomic_load(&slab->xpin) == HAK_SLAB_OPEN &&
           atomic_compare_exchange_strong(&slab->xpin, &open, HAK_SLAB_PINNED);
}

// Threads: the owner's.
HAK_FAST void hak_slab_unpin(struct hak_slab *slab)
{
    atomic_store(&slab->xpin, HAK_SLAB_OPEN);
}

// Walks the slab's invariants; panics on a broken one.  Threads: the owner's.
void hak_slab_check(const struct hak_slab *slab);
// The same for all listed slabs of the owner.
void hak_slab_owner_check(const struct hak_slab_owner *owner);

#endif
