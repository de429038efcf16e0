// No sampled blocks: for implementations without full/hak_guarded.h.
#ifndef HAK_UNGUARDED_H
#define HAK_UNGUARDED_H

#include "hak_base.h"

HAK_FAST void hak_guarded_start(void)
{
}

HAK_FAST void *hak_guarded_alloc(size_t bytes)
{
    (void)bytes;
    return NULL;
}

HAK_FAST bool hak_guarded_owns(const void *p)
{
    (void)p;
    return false;
}

HAK_FAST void hak_guarded_free(void *p)
{
    (void)p;
}

HAK_FAST size_t hak_guarded_usable(const void *p, const char *what, const char *what_if_freed)
{
    (void)p;
    (void)what;
    (void)what_if_freed;
    return 0;
}

#endif
