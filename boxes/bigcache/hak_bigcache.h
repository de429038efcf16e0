// Freed large mappings, kept for the next large request.
#ifndef HAK_BIGCACHE_H
#define HAK_BIGCACHE_H

#include "hak_base.h"

struct hak_mapping {
    char *start;
    size_t bytes;
    unsigned placed; // what was asked of the kernel: 1 + the memory node, or 0; HAK_LARGE_PAGES
};
enum { HAK_LARGE_PAGES = 1 << 16 };

// Keeps a mapping, merged with kept neighbours that were placed alike.  False: it is not wanted,
// the caller unmaps it.  What has to make room, perhaps a part of `mapping` itself, is unmapped; where
// the kernel refuses, its pages go back and its addresses are kept for the next requests.
// Threads: any.
bool hak_bigcache_put(struct hak_mapping mapping);

// Takes kept memory of at least `bytes`, at most an eighth more or up to the next granule, at a
// multiple of `alignment`.  Its contents are unspecified.
// False: none fits.  Then `ret_mapping->placed` is what to ask for a new one: HAK_LARGE_PAGES if
//   - `bytes` are 4 MiB or more, but no more than the cache may keep,
//   - which is more than at first, since that paid,
//   - some of what it gave back within the last second has not been needed again yet,
//   - 16 pages all over the last piece of 4 MiB or more that it gave back did not begin with zeros.
// Threads: any.
bool hak_bigcache_take(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping);

// Grows a mapping in place towards `bytes`, as far as kept memory follows it that was placed alike.
// The contents of what is new are unspecified.  Pre: bytes > mapping->bytes.  Threads: any.
void hak_bigcache_extend(struct hak_mapping *mapping, size_t bytes);

// Unmaps everything kept.  Returns the bytes given back.  Threads: any.
size_t hak_bigcache_trim(void);

// Unmaps what nobody needed since the last call: to be called every second or so.  What is kept
// without experience stays, unless `all`.  Threads: any.
void hak_bigcache_tick(bool all);

// Bytes kept now.  Threads: any.
size_t hak_bigcache_bytes(void);

#include "hak_bigcache_impl.h" // the folder chosen by -Dbigcache=...
_Static_assert(sizeof(HAK_BIGCACHE_IMPL) > 1, "an implementation names itself");

#endif
