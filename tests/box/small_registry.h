// A registry that reserves what it can get gets little: fake memory is touched when it is mapped.
#ifndef SMALL_REGISTRY_H
#define SMALL_REGISTRY_H

#include "box_test.h"
#include "hak_os_boundary_fake.h"
#include "hak_page_registry.h"

#include <malloc.h>

// For the suites of the boxes above the registry: makes its table, with room for 8 GiB of addresses
// around those of chunks and large blocks.
static inline void small_registry(void)
{
    enum { CHUNK_BYTES = 1024 * 1024 };
    // All chunks in the mmap area, none in the heap: glibc moves the border otherwise.
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    hak_fake_os_limit(16 * CHUNK_BYTES);
    void *chunk = hak_os_map(CHUNK_BYTES, HAK_GRANULE_BYTES);
    expect(chunk != NULL && hak_page_registry_add(chunk, 1, 1, chunk));
    hak_page_registry_remove(chunk, 1);
    hak_os_unmap(chunk, CHUNK_BYTES);
    hak_fake_os_limit((size_t)1 << 30);
}

#endif
