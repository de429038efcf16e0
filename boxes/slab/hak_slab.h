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
//   INV came_home <= free_blocks
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
    struct hak_slab *spare;                   // descriptors of released slabs of one bitmap word
    unsigned spares;
    size_t slabs;                  // owned in all
    size_t span_bytes;             // of all slabs
    size_t free_bytes;             // of all blocks that are in their slabs
    struct hak_sweep {             // see hak_sweep.h
        size_t settled_free_bytes; // the least free_bytes since the last sweep
        size_t purged_bytes;       // by the last sweep
        size_t retaken_bytes;      // of them, put to use again
        unsigned patience;         // doublings of the distance between sweeps
        bool refused;              // the kernel takes no pages (mlock, seccomp)
    } sweep;
};

enum hak_slab_pin { HAK_SLAB_OPEN, HAK_SLAB_PINNED, HAK_SLAB_CLOSED };

struct hak_slab {
    // Read by every thread that frees one of the blocks.  Written before the first block exists; but
    // what `span` knows of its pages changes, rarely.
    char *first_block;
    uint64_t inverse; // of the stride's odd factor, modulo 2^64
    uint32_t stride;
    uint16_t blocks;
    uint8_t words; // of one bitmap
    uint8_t size_class;
    uint8_t twos; // the stride is its odd factor times 2^twos; at least 3
    struct hak_slab_owner *owner;
    struct hak_span span;
    // The owner's, which writes it at each refill; a line of its own.
    _Alignas(HAK_CACHE_LINE_BYTES) struct hak_slab *next; // also links spare and freed ones
    struct hak_slab *previous;                            // both in owner->usable
    uint32_t free_blocks;
    uint16_t first_word;  // no free block in any word before this; `words` if there is none at all
    uint16_t fresh_index; // blocks from here on were never handed out
    uint16_t came_home;   // blocks that other threads freed, fewer by each taken since
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

// What it takes to find a block's index, apart: in a loop it stays in registers.
struct hak_slab_grid {
    const char *first_block;
    uint64_t inverse;
    unsigned twos, blocks;
};

HAK_FAST struct hak_slab_grid hak_slab_grid(const struct hak_slab *slab)
{
    return (struct hak_slab_grid){slab->first_block, slab->inverse, slab->twos, slab->blocks};
}

// Inverse of hak_slab_block.  At least `blocks` when `p` is no block's first byte.
// Multiples of the stride come out divided, all else above every multiple's quotient: Granlund &
// Montgomery, "Division by Invariant Integers using Multiplication", 1994, section 9.  (Multiplying
// by an odd number and rotating lose nothing, so no other offset has the same result.)
HAK_FAST uint64_t hak_slab_grid_index(struct hak_slab_grid grid, const void *p)
{
    uint64_t product = (uint64_t)((const char *)p - grid.first_block) * grid.inverse;
    return product >> grid.twos | product << (64 - grid.twos);
}

// The same for a single block.  HAK_SLAB_NO_INDEX when `p` is no block's first byte.
HAK_FAST unsigned hak_slab_index(const struct hak_slab *slab, const void *p)
{
    uint64_t index = hak_slab_grid_index(hak_slab_grid(slab), p);
    return index < slab->blocks ? (unsigned)index : HAK_SLAB_NO_INDEX;
}

// Bytes of a block that its user may write.
HAK_FAST size_t hak_slab_usable(const struct hak_slab *slab)
{
    return hak_usable_of_stride(slab->stride);
}

HAK_FAST uint64_t hak_slab_free_bits(const struct hak_slab *slab, size_t word)
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
// none of its blocks, or is free; returns how many come before it.  Pre: count > 0.
// Threads: the owner's.
unsigned hak_slab_put_each(struct hak_slab *slab, void *const *blocks, unsigned count);

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
