// Blocks are sealed with a canary while they are out, and zero while they are free.
#ifndef HAK_HARDENING_IMPL_H
#define HAK_HARDENING_IMPL_H

#define HAK_HARDENING_IMPL "full"

#include "hak_guarded.h"

// A free block of `bytes` goes to the user: still zero?  Then the canary.
void hak_seal_put_on(char *block, size_t bytes);

// It comes back: canary intact?  Then zero.
void hak_seal_take_off(char *block, size_t bytes);

// Puts a freed block into the quarantine.  Returns the one that leaves it: `block` itself when it
// is large or there is no quarantine; NULL: none.
void *hak_quarantine_swap(void *block, size_t bytes);

// A block out of the quarantine.  NULL: none is left.
void *hak_quarantine_end(void);

#endif
