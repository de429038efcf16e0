// Bump allocation from mappings of 256 KiB, untouched pages cost nothing.
#include "hak_lock.h"
#include "hak_meta.h"
#include "hak_os_boundary.h"

enum { META_MAP_BYTES = 256 * 1024 };

static char *bump;
static size_t bump_left;

// Fully hardened, between inaccessible pages: nobody runs into it from a neighbouring mapping.
static char *map_fresh(void)
{
    size_t guard = HAK_HARDENED_FULLY ? hak_os_page_bytes() : 0;
    char *p = hak_os_map(guard + META_MAP_BYTES + guard, 1);
    if (p != NULL && guard != 0) {
        (void)hak_os_protect(p, guard, false);
        (void)hak_os_protect(p + guard + META_MAP_BYTES, guard, false);
    }
    return p != NULL ? p + guard : NULL;
}

static void *bump_locked(size_t bytes)
{
    bytes = hak_round_up(bytes, HAK_CACHE_LINE_BYTES);
    HAK_ASSERT(bytes <= META_MAP_BYTES);
    if (bytes > bump_left) {
        char *fresh = map_fresh();
        if (fresh == NULL)
            return NULL;
        bump = fresh;
        bump_left = META_MAP_BYTES;
    }
    void *object = bump;
    bump += bytes;
    bump_left -= bytes;
    return object;
}

void *hak_meta_alloc(size_t bytes)
{
    hak_lock_take(HAK_LOCK_META);
    void *object = bump_locked(bytes);
    hak_lock_drop(HAK_LOCK_META);
    return object;
}

static void **link_of(const struct hak_meta_pool *pool, void *object)
{
    return (void **)((char *)object + pool->link_offset);
}

void *hak_meta_take(struct hak_meta_pool *pool)
{
    hak_lock_take(HAK_LOCK_META);
    void *object = pool->free;
    if (object != NULL)
        pool->free = *link_of(pool, object);
    else
        object = bump_locked(pool->bytes);
    hak_lock_drop(HAK_LOCK_META);
    return object;
}

void hak_meta_give(struct hak_meta_pool *pool, void *object)
{
    hak_lock_take(HAK_LOCK_META);
    *link_of(pool, object) = pool->free;
    pool->free = object;
    hak_lock_drop(HAK_LOCK_META);
}
