// Notes and random order only: nothing else happens to blocks.
#ifndef HAK_HARDENING_IMPL_H
#define HAK_HARDENING_IMPL_H

#define HAK_HARDENING_IMPL "light"

#include "hak_unguarded.h"

HAK_FAST void hak_seal_put_on(char *block, size_t bytes)
{
    (void)block;
    (void)bytes;
}

HAK_FAST void hak_seal_take_off(char *block, size_t bytes)
{
    (void)block;
    (void)bytes;
}

HAK_FAST void *hak_quarantine_swap(void *block, size_t bytes)
{
    (void)bytes;
    return block;
}

HAK_FAST void *hak_quarantine_end(void)
{
    return NULL;
}

#endif
