// A way to learn what a pointer is; classify.c times each.
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

struct classify_probe {
    const char *name;
    // Makes the blocks in [start, start + bytes) known.  NULL: nothing to do.
    void (*prepare)(char *start, size_t bytes);
    // Looks up each block; returns the sum of the answers, so that none is optimised away.
    uint64_t (*look_up)(char *const *blocks, size_t count);
};

// Each is `classify_probe` in registry.c or header.c, renamed for its build.
extern const struct classify_probe classify_probe_radix, classify_probe_flat, classify_probe_header;

#endif
