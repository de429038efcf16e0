// The only code that enters the kernel for memory.  Memory arrives zeroed, readable and writable.
//
// Threads: every function may be called from any thread.
// Errors:  a refusal by the kernel is NULL or false; errno is preserved throughout.
#ifndef HAK_OS_BOUNDARY_H
#define HAK_OS_BOUNDARY_H

#include "hak_base.h"

// Kernel calls made so far, by kind.
struct hak_os_counts {
    uint64_t map, unmap, purge, resize, place;
    size_t mapped_bytes;      // mapped now
    size_t peak_bytes;        // highest mapped_bytes
    uint64_t limit_refusals;  // mappings that the limit of hak_os_set_limit did not allow
    uint64_t kernel_refusals; // mappings that the kernel did not allow
};

// Maps `bytes` at a multiple of `alignment`.
// Pre: `bytes` > 0, a multiple of the OS page; `alignment` a power of two.
// Cost: one kernel call when the neighbourhood is aligned already, else up to five.
void *hak_os_map(size_t bytes, size_t alignment);

// Addresses for a table of which little will be used: they may be written where committed, and
// elsewhere read as zero if `readable` or else not be touched.  What is not committed costs no
// memory, also under strict overcommit and mlockall, except that mlockall fills in the page tables
// of what is readable.  Not part of mapped_bytes until committed.
// Pre: as hak_os_map with alignment 1.
void *hak_os_reserve(size_t bytes, bool readable);

// Makes [p, p + bytes), part of a reservation, writable.  Pre: whole OS pages, not yet committed.
bool hak_os_commit(void *p, size_t bytes);

// Takes back a reservation of which nothing was committed.
void hak_os_unreserve(void *p, size_t bytes);

// Unmaps [p, p + bytes), all of it mapped by hak_os_map.  False: the kernel refused (map count
// limit on a split); the memory is still there.
bool hak_os_unmap(void *p, size_t bytes);

// Makes [p, p + bytes), whole OS pages of a mapping or reservation, inaccessible or accessible.
// Contents stay, mapped_bytes too.  False: the kernel refused (map count limit).
bool hak_os_protect(void *p, size_t bytes, bool accessible);

// Gives the pages back and keeps the addresses; they read as zero afterwards.
bool hak_os_purge(void *p, size_t bytes);

// Whole OS pages.
struct hak_os_range {
    void *start;
    size_t bytes;
};

// As hak_os_purge, for each range.  Returns for how many, from the first on, the kernel did it.
// Pre: count <= 1024, the kernel's own limit.
// Cost: one call in a process with threads on Linux 6.15 or newer, where the other processors are
// interrupted once for all ranges; else one for each.
unsigned hak_os_purge_each(const struct hak_os_range *ranges, unsigned count);

// Unmaps; where the kernel refuses, gives the pages back and lets the addresses go to waste.
HAK_FAST void hak_os_discard(void *p, size_t bytes)
{
    if (!hak_os_unmap(p, bytes))
        (void)hak_os_purge(p, bytes);
}

// Grows or shrinks a mapping in place (`place` == p), or moves its pages over those of `place`, a
// mapping of `new_bytes` from hak_os_map.  Contents up to the smaller size are kept.
// Returns `place`, or NULL: `p` is as it was, and a `place` other than `p` is no longer the
// caller's.
void *hak_os_resize(void *p, size_t old_bytes, size_t new_bytes, void *place);

enum {
    HAK_OS_MAX_NODES = 64,
    HAK_OS_EACH_NODE = HAK_OS_MAX_NODES, // all of them, page by page in turn
};

// The memory node next to the processor that the calling thread runs on, below HAK_OS_MAX_NODES.
// 0 where there is no choice: one node, HAKMEM_NUMA=0, a process with a policy of its own
// (numactl), a kernel that does not tell.  Cost: a kernel call where there is a choice.
unsigned hak_os_node(void);

// Asks for the pages of [p, p + bytes) to come from `node` as long as it has any.  False, also
// where there is no choice: they come from the node of the thread that first touches them.
// Pre: mapped by hak_os_map, not touched yet.
bool hak_os_place(void *p, size_t bytes, unsigned node);

// What a large page has where small ones have 4 KiB, as on x86-64.
enum { HAK_OS_LARGE_PAGE_BYTES = 2 * 1024 * 1024 };

enum hak_os_large_pages {
    HAK_OS_NOT_ASKED, // refused, or there is a pause: the last one was slow, or a small one
    HAK_OS_ASKED,     // the first is a small one
    HAK_OS_GOT_ONE,
};

// Asks for large pages for [p, p + bytes), and touches the first whole one.  Counted as a placement.
// Pre: mapped by hak_os_map, not touched yet; a whole large page lies in it.
enum hak_os_large_pages hak_os_want_large_pages(void *p, size_t bytes);

// Takes that back, or forbids what nobody asked for: the kernel may give large pages to everybody,
// and may make one again where parts of it were given back.  Counted as a placement.
void hak_os_want_small_pages(void *p, size_t bytes);

// Makes the large page at `p`, if there is one, many small ones.  Without, what is given back of it
// stays with it until the kernel is short of memory; so it does where a fork shares it.
// Pre: `p` is a multiple of HAK_OS_LARGE_PAGE_BYTES.  Counted as a placement.  Cost: 0.2 ms.
void hak_os_split_large_page(void *p);

// Whether the 4 bytes at `p`, a multiple of 4, can be read and are not all 0.  Any address will do.
bool hak_os_peek(const void *p);

size_t hak_os_page_bytes(void);

// From now on hak_os_map and hak_os_commit refuse what would take mapped_bytes beyond `bytes`;
// 0: no limit.
void hak_os_set_limit(size_t bytes);

// Whether it was that limit, not the kernel, that refused the last mapping that was refused.
bool hak_os_limit_refused_last(void);

// Bytes that the process's control group may use (memory.max of its group and of those around it);
// SIZE_MAX without a limit.
size_t hak_os_group_limit(void);

// Bytes of addresses the process may have (RLIMIT_AS); SIZE_MAX without a limit.
size_t hak_os_address_limit(void);

// Milliseconds of a clock that never goes back; as coarse as the kernel's tick.
uint64_t hak_os_now_ms(void);

struct hak_os_counts hak_os_counts(void);

#endif
