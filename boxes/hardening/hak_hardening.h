// Checks against bugs of the program, beyond those that cost nothing.
//
//   light  a note on each block of a slab says whether it is with the user: `free` itself reports
//          every double free and every pointer into a block.  Refills are in random order.
//   full   light, and a canary behind each block; free blocks are zeroed, and must still be when
//          they are handed out again; small ones rest in a quarantine first; one small block in
//          HAKMEM_SAMPLE lies between inaccessible pages (hak_guarded.h).
//
// Between the frontends and the core, which knows nothing of it: blocks pass through here when they
// go out and when they come back.  Threads: any.
#ifndef HAK_HARDENING_H
#define HAK_HARDENING_H

#include "hak_option.h"
#include "hak_slab.h"

// Bytes at the end of a slab's blocks that are not the user's.
enum { HAK_CANARY_BYTES = HAK_HARDENED_FULLY ? 8 : 0 };

// HAKMEM_HARDENING may say no, once, before main; blocks from before that are never checked then.
HAK_FAST bool hak_hardening_on(void)
{
    return HAK_HARDENED && hak_options.hardening != 0;
}

// Marks a slab's block as the user's; other blocks stay as they are.
// Errors: panics when a free block was written to (full).  Cost: full reads blocks up to 64 KiB.
void hak_hardening_hand_out(void *block);

// Marks a slab's block as free.  False: `p` is in no slab.
// `*ret_block`: what is to be freed now, `p` or another block whose quarantine ends; NULL: nothing.
// Errors: panics on a double free, unless the other is under way at the same moment, on a pointer
// into a block, and when the bytes past its end were written to (full).  Cost: full writes all of
// it.
bool hak_hardening_take_back(void *p, void **ret_block);

// Whether `p` is the start of a slab's block that is with the user.  False: it is in no slab.
// Errors: panics on every other pointer into a slab.
bool hak_hardening_check(const void *p, const char *what, const char *what_if_freed);

// Puts the blocks of a refill in random order.
void hak_hardening_shuffle(void **blocks, unsigned count);

#include "hak_hardening_impl.h" // the folder chosen by -Dhardening=...
_Static_assert(sizeof(HAK_HARDENING_IMPL) > 1, "an implementation names itself");

#endif
