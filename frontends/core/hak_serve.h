// What the frontends call: the core, or in hardened builds the core behind its checks.
#ifndef HAK_SERVE_H
#define HAK_SERVE_H

#include "hak_core.h"

// Contracts: those of hak_core_*.
void *hak_hardened_alloc(size_t bytes);
void *hak_hardened_calloc(size_t count, size_t bytes);
void *hak_hardened_aligned(size_t alignment, size_t bytes);
void *hak_hardened_realloc(void *p, size_t bytes);
void hak_hardened_free(void *p);
void hak_hardened_free_sized(void *p, size_t alignment, size_t bytes);
size_t hak_hardened_usable(const void *p);
size_t hak_hardened_good_size(size_t bytes);
size_t hak_hardened_trim(void);

HAK_FAST void *hak_serve_alloc(size_t bytes)
{
    return HAK_HARDENED ? hak_hardened_alloc(bytes) : hak_core_alloc(bytes);
}

HAK_FAST void *hak_serve_calloc(size_t count, size_t bytes)
{
    return HAK_HARDENED ? hak_hardened_calloc(count, bytes) : hak_core_calloc(count, bytes);
}

HAK_FAST void *hak_serve_aligned(size_t alignment, size_t bytes)
{
    return HAK_HARDENED ? hak_hardened_aligned(alignment, bytes)
                        : hak_core_aligned(alignment, bytes);
}

HAK_FAST void hak_serve_free(void *p)
{
    if (HAK_HARDENED)
        hak_hardened_free(p);
    else
        hak_core_free(p);
}

// NULL: as hak_serve_alloc.  No bytes: frees and returns NULL.
HAK_FAST void *hak_serve_realloc(void *p, size_t bytes)
{
    if (p == NULL)
        return hak_serve_alloc(bytes);
    if (bytes == 0) {
        hak_serve_free(p);
        return NULL;
    }
    return HAK_HARDENED ? hak_hardened_realloc(p, bytes) : hak_core_realloc(p, bytes);
}

// For callers that know what they asked for; `alignment` is 1 where none was.
HAK_FAST void hak_serve_free_sized(void *p, size_t alignment, size_t bytes)
{
    if (HAK_HARDENED)
        hak_hardened_free_sized(p, alignment, bytes);
    else
        hak_core_free(p);
}

HAK_FAST size_t hak_serve_usable(const void *p)
{
    return HAK_HARDENED ? hak_hardened_usable(p) : hak_core_usable(p);
}

HAK_FAST size_t hak_serve_good_size(size_t bytes)
{
    return HAK_HARDENED ? hak_hardened_good_size(bytes) : hak_core_good_size(bytes);
}

HAK_FAST size_t hak_serve_trim(void)
{
    return HAK_HARDENED ? hak_hardened_trim() : hak_core_trim();
}

#endif
