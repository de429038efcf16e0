// The page registry's answer; compiled once for each implementation.
#include "classify.h"
#include "hak_page_registry.h"

#include <stdlib.h>

extern const struct classify_probe classify_probe;

static void prepare(char *start, size_t bytes)
{
    if (!hak_page_registry_add(start, bytes / HAK_GRANULE_BYTES, 1, start))
        abort();
}

static uint64_t look_up(char *const *blocks, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += hak_page_registry_entry(blocks[i]);
    return sum;
}

const struct classify_probe classify_probe = {"registry, " HAK_PAGE_REGISTRY_IMPL, prepare,
                                              look_up};
