// No gap: every size up to 4 MiB, repeated, reaches a steady state without memory system calls.
#include "expect.h"
#include "hak_bigcache.h"
#include "hak_class.h"
#include "hak_hardening.h"
#include "hak_os_boundary.h"

#include <hakmem/hakmem.h>
#include <string.h>

enum {
    WARM_UP = 3,
    PAIRS = HAK_CONFIG_DEBUG_LEVEL < 2 ? 10000 : 500, // the others walk the heap all the time
    MIB = 1024 * 1024,
};

static uint64_t kernel_calls(void)
{
    struct hak_os_counts counts = hak_os_counts();
    return counts.map + counts.unmap + counts.purge + counts.resize;
}

static void check(size_t bytes)
{
    for (int i = 0; i < WARM_UP; i++)
        hak_free(hak_alloc(bytes));
    uint64_t before = kernel_calls();
    for (int i = 0; i < PAIRS; i++) {
        char *p = hak_alloc(bytes);
        EXPECT(p != NULL, "%zu bytes", bytes);
        if (bytes > 0)
            p[0] = 1;
        hak_free(p);
    }
    EXPECT(kernel_calls() == before, "%zu bytes: %llu calls", bytes,
           (unsigned long long)(kernel_calls() - before));
}

int main(void)
{
    // Builds without the cache of large mappings map each of them, as they say.
    bool large_cached = strcmp(HAK_BIGCACHE_IMPL, "none") != 0 && !HAK_HARDENED_FULLY;
    size_t largest_pool = hak_class_usable(HAK_CLASS_COUNT - 1) - HAK_CANARY_BYTES;
    size_t max_bytes = large_cached ? 4 * MIB : largest_pool;
    for (size_t bytes = 0; bytes <= 4096; bytes++)
        check(bytes);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        size_t bytes = hak_class_usable(size_class);
        for (size_t near = bytes - 1 - HAK_CANARY_BYTES; near <= bytes + 1; near++) {
            if (near <= max_bytes)
                check(near);
        }
    }
    for (size_t bytes = 4096; bytes <= max_bytes; bytes += 4093)
        check(bytes);
    check(max_bytes);
    return 0;
}
