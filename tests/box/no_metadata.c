// When the kernel gives no memory for hakmem's own objects: what cannot grow stays as it is, and
// serves.
#include "front_tools.h"
#include "hak_bigcache.h"
#include "hak_meta.h"

enum { GRANULE = HAK_GRANULE_BYTES, BLOCKS = 200 };

static void use_up_metadata(void)
{
    hak_fake_os_fail(0, UINT_MAX);
    while (hak_meta_alloc(HAK_CACHE_LINE_BYTES) != NULL)
        continue;
}

static void *blocks[BLOCKS];

static void allocate_all(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = alloc(TINY);
}

static void free_all(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        free_block(blocks[i]);
    hak_heap_check(heap);
}

Test(no_metadata, a_bin_keeps_its_array, .init = cold_heap)
{
    const struct hak_bin *bin = &heap->bins[TINY];
    allocate_all();
    unsigned slots = capacity(bin);
    use_up_metadata();
    free_all();
    expect(capacity(bin) == slots);
    hak_fake_os_fail(0, 0);
    allocate_all();
    free_all();
    expect(capacity(bin) > slots, "it wanted to");
}

static struct hak_mapping map(size_t bytes)
{
    struct hak_mapping mapping = {.start = hak_os_map(bytes, GRANULE), .bytes = bytes};
    expect(mapping.start != NULL);
    return mapping;
}

Test(no_metadata, a_mapping_without_a_descriptor_is_not_kept)
{
    struct hak_mapping mapping = map(MIB), taken;
    memset(mapping.start, 1, MIB);
    use_up_metadata();
    expect(!hak_bigcache_put(mapping) && hak_bigcache_bytes() == 0);
    expect(!hak_bigcache_take(MIB, 1, &taken) && is_filled(mapping.start, 1, MIB));
    hak_fake_os_fail(0, 0);
    expect(hak_bigcache_put(mapping) == !is_impl("none"));
    expect(hak_bigcache_take(MIB, 1, &taken) == !is_impl("none"));
}

// 128 pieces more than the tables have buckets at first.
Test(no_metadata, tables_that_cannot_grow_find_all)
{
    enum { PIECES = 384 };
    struct hak_mapping taken;
    hak_options.bigcache_mib = 1024;
    struct hak_mapping first = map(64 * MIB);
    if (!hak_bigcache_put(first))
        return; // keeps nothing
    expect(!hak_bigcache_take(64 * MIB, 1, &taken), "learns to keep them all");
    hak_bigcache_trim();
    char *start = map(2 * PIECES * (size_t)GRANULE).start;
    expect(hak_bigcache_put((struct hak_mapping){start, GRANULE, 0}), "has memory for descriptors");
    hak_fake_os_fail(0, UINT_MAX);
    for (size_t i = 1; i < PIECES; i++)
        expect(hak_bigcache_put((struct hak_mapping){start + 2 * i * GRANULE, GRANULE, 0}));
    for (unsigned i = 0; i < PIECES; i++)
        expect(hak_bigcache_take(GRANULE, 1, &taken), "piece %u", i);
    expect(!hak_bigcache_take(1, 1, &taken) && hak_bigcache_bytes() == 0);
}
