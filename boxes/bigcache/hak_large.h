// Large blocks: above HAK_POOL_MAX_BYTES, or aligned to more than a granule.  Each is a mapping of
// its own; its first granule is recorded in the registry.  The block starts the mapping.
#ifndef HAK_LARGE_H
#define HAK_LARGE_H

#include "hak_class.h"
#include "hak_page_registry.h"

enum { HAK_LARGE_ENTRY = HAK_BIN_END }; // owner nobody, past the last class

// A block of at least `bytes` at a multiple of `alignment`.
// `*ret_zero`: its memory is known to be zero.  NULL: no memory, or the size cannot be mapped.
// Threads: any.  Cost: a kernel call unless the cache has one that fits.
void *hak_large_alloc(size_t bytes, size_t alignment, bool *ret_zero);

// Makes the first `bytes` of a large block zero: clears them, or gives their pages back where most
// seem to be zero or not to be there.
// Pre: bytes <= its usable bytes; nobody else has the block yet.
void hak_large_clear(void *p, size_t bytes);

// Frees a large block.  Errors: panics when `p` is not a block's start.  Pre: registry entry large.
void hak_large_free(void *p);

// Resizes a large block in place, from and to the cache as far as that has what follows, or by
// moving its pages.  NULL: not possible, the block is as it was.
// Pre: bytes > HAK_POOL_MAX_BYTES.
void *hak_large_resize(void *p, size_t bytes);

// Usable bytes; 0 when `p` is not a block's start.  Pre: registry entry large.
size_t hak_large_usable(const void *p);

// Bytes of the mapping that serves a request.  Rounded to granules, so that near sizes share cached
// mappings; pages that are not touched cost nothing.  0: too large to map, or nothing asked for.
HAK_FAST size_t hak_large_mapping_bytes(size_t bytes)
{
    return bytes <= PTRDIFF_MAX - HAK_GRANULE_BYTES ? hak_round_up(bytes, HAK_GRANULE_BYTES) : 0;
}

// Bytes of all live large blocks.  Threads: any.
size_t hak_large_bytes(void);

#endif
