// What free asks in a build with -Dheader_classidx=true: the byte before the block, or the registry
// where that byte may be unreadable.
#include "classify.h"
#include "hak_classidx.h"

#include <stdlib.h>

extern const struct classify_probe classify_probe;

static void prepare(char *start, size_t bytes)
{
    if (!hak_page_registry_add(start, bytes / HAK_GRANULE_BYTES, 1, start))
        abort(); // also makes `near` true, and answers for blocks at the start of a page
}

static uint64_t look_up(char *const *blocks, size_t count)
{
    uint64_t sum = 0;
    const uint32_t tag = 0;
    for (size_t i = 0; i < count; i++)
        sum += hak_classidx_bin(blocks[i], &tag);
    return sum;
}

const struct classify_probe classify_probe = {"header, else registry", prepare, look_up};
