// The shadow heap: every live block, where it lies and what is in it.
#ifndef SHADOW_H
#define SHADOW_H

#include <stdbool.h>
#include <stddef.h>

enum { SHADOW_BLOCKS = 8192 };

struct shadow_block {
    unsigned char *p; // NULL: no block
    size_t usable;
    size_t step; // bytes from one written byte to the next
    unsigned char seed;
};

// Once; all blocks have to be dropped before the next input.
void shadow_start(void);

struct shadow_block *shadow_block(unsigned number);

// Adds the block that came from a request: checks that it is large and aligned enough and overlaps
// no other, and writes on it up to its usable size.
void shadow_add(struct shadow_block *block, void *p, size_t bytes, size_t alignment);

// Checks what is in the first `bytes` bytes.  Also when the block has moved to `p`.
void shadow_expect(const struct shadow_block *block, const unsigned char *p, size_t bytes);

// Forgets the block, which is about to be freed, after a check.
void shadow_remove(struct shadow_block *block);

#endif
