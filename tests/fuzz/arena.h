// The boundary that fuzz targets run over: real pages at addresses that never change, half of them
// on each side of a multiple of 4 GiB.  What is not mapped cannot be touched.  Failures are
// scripted as in the fake boundary, whose controls it shares.
#ifndef ARENA_H
#define ARENA_H

#include "hak_os_boundary_fake.h"

enum { ARENA_BYTES = 256 * 1024 * 1024 };
#define ARENA_BASE ((char *)((uintptr_t)5 << 44) - ARENA_BYTES / 2)

// Nothing is mapped afterwards.  The caller has put back this library's data.
HAK_EXPORT void arena_reset(void);

// An address within this library's data.
HAK_EXPORT const void *arena_data(void);

// Calls refused so far, by script, by limit or because the arena is full.
unsigned arena_refusals(void);

// Bytes mapped now whose unmapping was refused.  Where nobody tries again they are lost.
size_t arena_stuck_bytes(void);

// Script and limit from an input.
struct fuzz_input;
void arena_fail(struct fuzz_input *input);
void arena_limit(struct fuzz_input *input);
// Neither failures nor limits any more.
void arena_relent(void);

#endif
