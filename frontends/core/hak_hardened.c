// The core behind the checks of the hardening box.  Compiled in hardened builds only.
#include "hak_hardening.h"
#include "hak_pool.h"
#include "hak_serve.h"

#include <string.h>

// What to ask the core for, so that a slab's block has room for a byte and its canary.
static size_t with_canary(size_t bytes)
{
    size_t least = bytes > 0 ? bytes : 1;
    return bytes <= HAK_POOL_MAX_BYTES ? least + HAK_CANARY_BYTES : bytes;
}

static void *hand_out(void *block)
{
    if (block != NULL)
        hak_hardening_hand_out(block);
    return block;
}

void *hak_hardened_alloc(size_t bytes)
{
    if (!hak_hardening_on())
        return hak_core_alloc(bytes);
    void *guarded = hak_guarded_alloc(bytes);
    return guarded != NULL ? guarded : hand_out(hak_core_alloc(with_canary(bytes)));
}

void *hak_hardened_calloc(size_t count, size_t bytes)
{
    size_t total;
    if (!hak_hardening_on() || __builtin_mul_overflow(count, bytes, &total) ||
        total > HAK_POOL_MAX_BYTES)
        return hak_core_calloc(count, bytes);
    void *guarded = hak_guarded_alloc(total);
    return guarded != NULL ? guarded : hand_out(hak_core_calloc(1, with_canary(total)));
}

void *hak_hardened_aligned(size_t alignment, size_t bytes)
{
    if (!hak_hardening_on())
        return hak_core_aligned(alignment, bytes);
    return hand_out(hak_core_aligned(alignment, with_canary(bytes)));
}

// The user's bytes at `p`.  Returns whether it is a guarded or slab's block; panics when it was one
// or points into one.
static bool is_checked(const void *p, const char *what, const char *what_if_freed,
                       size_t *ret_usable)
{
    bool guarded = hak_guarded_owns(p);
    bool noted = !guarded && hak_hardening_check(p, what, what_if_freed);
    *ret_usable = guarded ? hak_guarded_usable(p, what, what_if_freed)
                          : hak_core_usable(p) - (noted ? HAK_CANARY_BYTES : 0);
    return guarded || noted;
}

void hak_hardened_free(void *p)
{
    void *block = p;
    if (p != NULL && hak_guarded_owns(p))
        hak_guarded_free(p);
    else if (p == NULL || !hak_hardening_on())
        hak_core_free(p);
    else if (!hak_hardening_take_back(p, &block))
        hak_core_free_slow(p, SIZE_MAX); // asks the registry before it looks at memory
    else if (block != NULL)
        hak_core_free(block);
}

void hak_hardened_free_sized(void *p, size_t alignment, size_t bytes)
{
    size_t usable = 0;
    if (p != NULL && hak_hardening_on())
        (void)is_checked(p, "invalid free of", "double free of", &usable);
    size_t least = bytes > alignment ? bytes : alignment;
    bool fits = bytes <= usable && hak_core_may_stay(usable, least < usable ? least : usable);
    if (usable != 0 && HAK_UNLIKELY(!fits))
        hak_panic("sized free of", p, "the block has another size; is it another type's?");
    hak_hardened_free(p);
}

void *hak_hardened_realloc(void *p, size_t bytes)
{
    size_t usable;
    if (!hak_hardening_on())
        return hak_core_realloc(p, bytes);
    bool checked = is_checked(p, "invalid realloc of", "invalid realloc of", &usable);
    if (!checked && (usable == 0 || bytes > HAK_POOL_MAX_BYTES))
        return hak_core_realloc(p, bytes); // nobody's, or large to large
    if (hak_core_may_stay(usable, bytes))
        return p;
    void *block = hak_hardened_alloc(bytes);
    if (block == NULL)
        return NULL;
    memcpy(block, p, bytes < usable ? bytes : usable);
    hak_hardened_free(p);
    return block;
}

size_t hak_hardened_usable(const void *p)
{
    size_t usable = 0;
    if (!hak_hardening_on())
        return hak_core_usable(p);
    if (p != NULL)
        (void)is_checked(p, "invalid malloc_usable_size of", "invalid malloc_usable_size of",
                         &usable);
    return usable;
}

size_t hak_hardened_good_size(size_t bytes)
{
    if (!hak_hardening_on())
        return hak_core_good_size(bytes);
    size_t good = hak_core_good_size(with_canary(bytes));
    return good <= HAK_POOL_MAX_BYTES ? good - HAK_CANARY_BYTES : good;
}

size_t hak_hardened_trim(void)
{
    for (void *block; (block = hak_quarantine_end()) != NULL;)
        hak_core_free(block);
    return hak_core_trim();
}
