#include "arena.h"
#include "fuzz.h"
#include "hak_os_count.h"
#include "hak_os_purge_together.h"

#include <limits.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = HAK_MIN_PAGE_BYTES, PAGES = ARENA_BYTES / PAGE };

static char taken[PAGES];    // 1: the page is mapped or reserved
static char reserved[PAGES]; // 1: and not committed
static char stuck[PAGES];    // 1: and the last unmapping was refused
static unsigned successes_left, failures_left, refusals;
static size_t limit_bytes = ARENA_BYTES;
static uint64_t now_ms;

void hak_fake_os_fail(unsigned successes, unsigned failures)
{
    successes_left = successes;
    failures_left = failures;
}

void hak_fake_os_limit(size_t bytes)
{
    limit_bytes = bytes;
}

void hak_fake_os_advance(uint64_t ms)
{
    now_ms += ms;
}

unsigned arena_refusals(void)
{
    return refusals;
}

size_t arena_stuck_bytes(void)
{
    size_t pages = 0;
    for (size_t i = 0; i < PAGES; i++)
        pages += (size_t)stuck[i];
    return pages * PAGE;
}

void arena_fail(struct fuzz_input *input)
{
    unsigned successes = fuzz_below(input, 32), failures = fuzz_number(input, 1);
    hak_fake_os_fail(successes, failures < 128 ? failures % 8 : UINT_MAX);
}

void arena_limit(struct fuzz_input *input)
{
    unsigned number = fuzz_number(input, 1);
    // never 0, which would be no limit
    size_t bytes = hak_os_counts().mapped_bytes + (size_t)(number % 64) * 256 * 1024 + PAGE;
    if (number < 128)
        hak_fake_os_limit(bytes);
    else
        hak_os_set_limit(bytes);
}

void arena_relent(void)
{
    hak_fake_os_fail(0, 0);
    hak_fake_os_limit(ARENA_BYTES);
    hak_os_set_limit(0);
}

const void *arena_data(void)
{
    return taken;
}

static void close_pages(char *p, size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    FUZZ_CHECK(mmap(p, bytes, PROT_NONE, flags, -1, 0) == p, "%zu bytes at %p", bytes, (void *)p);
}

static void open_pages(char *p, size_t bytes, int protection)
{
    FUZZ_CHECK(mprotect(p, bytes, protection) == 0, "%zu bytes at %p", bytes, (void *)p);
}

void arena_reset(void)
{
    close_pages(ARENA_BASE, ARENA_BYTES);
}

static bool refuse(void)
{
    refusals++;
    return false;
}

static bool call_passes(enum hak_os_call kind)
{
    hak_os_count_call(kind);
    if (failures_left == 0)
        return true;
    if (successes_left > 0) {
        successes_left--;
        return true;
    }
    failures_left--;
    return refuse();
}

static size_t page_of(const void *p)
{
    return (size_t)((const char *)p - ARENA_BASE) / PAGE;
}

static void expect_taken(const void *p, size_t bytes)
{
    size_t offset = (size_t)((const char *)p - ARENA_BASE);
    FUZZ_CHECK(offset % PAGE == 0 && bytes % PAGE == 0 && bytes > 0, "%zu at %p", bytes, p);
    FUZZ_CHECK(offset < ARENA_BYTES && bytes <= ARENA_BYTES - offset, "%zu at %p", bytes, p);
    FUZZ_CHECK(memchr(taken + page_of(p), 0, bytes / PAGE) == NULL, "%zu at %p", bytes, p);
}

static void expect_mapped(const void *p, size_t bytes)
{
    expect_taken(p, bytes);
    FUZZ_CHECK(memchr(reserved + page_of(p), 1, bytes / PAGE) == NULL, "%zu at %p", bytes, p);
}

static void expect_reserved(const void *p, size_t bytes)
{
    expect_taken(p, bytes);
    FUZZ_CHECK(memchr(reserved + page_of(p), 0, bytes / PAGE) == NULL, "%zu at %p", bytes, p);
}

static bool has_room(size_t bytes)
{
    return bytes <= limit_bytes && hak_os_counts().mapped_bytes <= limit_bytes - bytes;
}

// The lowest free place; NULL when there is none.
static char *find(size_t bytes, size_t alignment)
{
    uintptr_t base = (uintptr_t)ARENA_BASE, end = base + ARENA_BYTES;
    for (uintptr_t p = hak_round_up(base, alignment); p <= end - bytes;) {
        const char *last = memrchr(taken + page_of((void *)p), 1, bytes / PAGE);
        if (last == NULL)
            return (char *)p;
        p = hak_round_up(base + (uintptr_t)(last - taken + 1) * PAGE, alignment);
    }
    return NULL;
}

static bool limit_allows(size_t bytes)
{
    return hak_os_limit_allows(bytes) || refuse();
}

static void *map_uncounted(size_t bytes, size_t alignment, int protection)
{
    bool passes = call_passes(HAK_OS_MAP) && has_room(bytes);
    char *p = passes ? find(bytes, alignment > PAGE ? alignment : PAGE) : NULL;
    if (p == NULL) {
        hak_os_count_refusal();
        refuse();
        return NULL;
    }
    open_pages(p, bytes, protection);
    memset(taken + page_of(p), 1, bytes / PAGE);
    return p;
}

static void unmap_uncounted(void *p, size_t bytes)
{
    close_pages(p, bytes);
    memset(taken + page_of(p), 0, bytes / PAGE);
    memset(reserved + page_of(p), 0, bytes / PAGE);
    memset(stuck + page_of(p), 0, bytes / PAGE);
}

static void unmap(void *p, size_t bytes)
{
    unmap_uncounted(p, bytes);
    hak_os_count_bytes(0, bytes);
}

void *hak_os_map(size_t bytes, size_t alignment)
{
    if (!limit_allows(bytes))
        return NULL;
    void *p = map_uncounted(bytes, alignment, PROT_READ | PROT_WRITE);
    if (p != NULL)
        hak_os_count_bytes(bytes, 0);
    return p;
}

void *hak_os_reserve(size_t bytes, bool readable)
{
    void *p = map_uncounted(bytes, PAGE, readable ? PROT_READ : PROT_NONE);
    if (p != NULL)
        memset(reserved + page_of(p), 1, bytes / PAGE);
    return p;
}

void hak_os_unreserve(void *p, size_t bytes)
{
    expect_reserved(p, bytes);
    if (call_passes(HAK_OS_UNMAP))
        unmap_uncounted(p, bytes);
}

bool hak_os_protect(void *p, size_t bytes, bool accessible)
{
    if (!call_passes(HAK_OS_MAP))
        return false;
    open_pages(p, bytes, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
    return true;
}

bool hak_os_commit(void *p, size_t bytes)
{
    expect_reserved(p, bytes);
    if (!limit_allows(bytes))
        return false;
    if (!call_passes(HAK_OS_MAP)) {
        hak_os_count_refusal();
        return false;
    }
    open_pages(p, bytes, PROT_READ | PROT_WRITE);
    memset(reserved + page_of(p), 0, bytes / PAGE);
    hak_os_count_bytes(bytes, 0);
    return true;
}

bool hak_os_unmap(void *p, size_t bytes)
{
    expect_mapped(p, bytes);
    if (!call_passes(HAK_OS_UNMAP)) {
        memset(stuck + page_of(p), 1, bytes / PAGE);
        return false;
    }
    unmap(p, bytes);
    return true;
}

bool hak_os_purge(void *p, size_t bytes)
{
    expect_mapped(p, bytes);
    if (!call_passes(HAK_OS_PURGE))
        return false;
    FUZZ_CHECK(madvise(p, bytes, MADV_DONTNEED) == 0, "%zu bytes at %p", bytes, p);
    return true;
}

unsigned hak_os_purge_together(const struct hak_os_range *ranges, unsigned count)
{
    (void)ranges;
    (void)count;
    return 0;
}

static bool resize_in_place(char *p, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes < old_bytes) {
        unmap(p + new_bytes, old_bytes - new_bytes);
        return true;
    }
    size_t more = new_bytes - old_bytes;
    char *end = p + old_bytes;
    if (more > (size_t)(ARENA_BASE + ARENA_BYTES - end) || !has_room(more) ||
        memchr(taken + page_of(end), 1, more / PAGE) != NULL)
        return false;
    open_pages(end, more, PROT_READ | PROT_WRITE);
    memset(taken + page_of(end), 1, more / PAGE);
    hak_os_count_bytes(more, 0);
    return true;
}

void *hak_os_resize(void *p, size_t old_bytes, size_t new_bytes, void *place)
{
    expect_mapped(p, old_bytes);
    if (place == p && new_bytes > old_bytes && !limit_allows(new_bytes - old_bytes))
        return NULL;
    bool passes = call_passes(HAK_OS_RESIZE);
    if (place == p)
        return passes && resize_in_place(p, old_bytes, new_bytes) ? p : NULL;
    expect_mapped(place, new_bytes);
    if (!passes) {
        unmap(place, new_bytes);
        return NULL;
    }
    memcpy(place, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    unmap(p, old_bytes);
    return place;
}

// In builds that tell nodes apart the program moves to the next of four now and then.
unsigned hak_os_node(void)
{
    static unsigned asked;
    return HAK_NUMA ? asked++ / 16 % 4 : 0;
}

bool hak_os_place(void *p, size_t bytes, unsigned node)
{
    expect_mapped(p, bytes);
    FUZZ_CHECK(node <= HAK_OS_EACH_NODE, "node %u", node);
    return HAK_NUMA && call_passes(HAK_OS_PLACE);
}

enum hak_os_large_pages hak_os_want_large_pages(void *p, size_t bytes)
{
    static unsigned asked;
    expect_mapped(p, bytes);
    if (!call_passes(HAK_OS_PLACE))
        return HAK_OS_NOT_ASKED;
    return ++asked % 4 == 0 ? HAK_OS_ASKED : HAK_OS_GOT_ONE;
}

void hak_os_want_small_pages(void *p, size_t bytes)
{
    expect_mapped(p, bytes);
    (void)call_passes(HAK_OS_PLACE);
}

void hak_os_split_large_page(void *p)
{
    expect_mapped(p, PAGE);
    (void)call_passes(HAK_OS_PLACE);
}

bool hak_os_peek(const void *p)
{
    expect_mapped((const void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)), PAGE);
    return true;
}

size_t hak_os_page_bytes(void)
{
    return PAGE;
}

size_t hak_os_address_limit(void)
{
    return ARENA_BYTES;
}

uint64_t hak_os_now_ms(void)
{
    return now_ms;
}

size_t hak_os_group_limit(void)
{
    return SIZE_MAX;
}
