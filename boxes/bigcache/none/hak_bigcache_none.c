// No cache: every large block is mapped and unmapped.
#include "hak_bigcache.h"

bool hak_bigcache_put(struct hak_mapping mapping)
{
    (void)mapping;
    return false;
}

bool hak_bigcache_take(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping)
{
    (void)bytes;
    (void)alignment;
    ret_mapping->placed = 0;
    return false;
}

void hak_bigcache_extend(struct hak_mapping *mapping, size_t bytes)
{
    (void)mapping;
    (void)bytes;
}

size_t hak_bigcache_trim(void)
{
    return 0;
}

void hak_bigcache_tick(bool all)
{
    (void)all;
}

size_t hak_bigcache_bytes(void)
{
    return 0;
}
