// A boundary over libc's aligned_alloc, for tests: calls fail by script, lost memory shows up in
// mapped_bytes, and sanitizers see each mapping as one object until its last part is unmapped.
#include "hak_os_boundary_fake.h"
#include "hak_option.h"
#include "hak_os_count.h"
#include "hak_os_purge_together.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static _Atomic unsigned xsuccesses_left;
static _Atomic unsigned xfailures_left;
static _Atomic uint64_t xnow_ms = 1; // 0 stands for none
static _Atomic size_t xaddress_limit = (size_t)4 << 30;
static _Atomic unsigned xnodes = 1;
static _Atomic bool xpurges_together;
static _Atomic bool xhas_large_pages = true, xgives_large_pages;
static _Thread_local unsigned this_node;

void hak_fake_os_fail(unsigned successes, unsigned failures)
{
    xsuccesses_left = successes;
    xfailures_left = failures;
}

void hak_fake_os_purges_together(bool can)
{
    xpurges_together = can;
}

void hak_fake_os_has_large_pages(bool has)
{
    xhas_large_pages = has;
}

void hak_fake_os_gives_large_pages(bool gives)
{
    xgives_large_pages = gives;
}

void hak_fake_os_limit(size_t bytes)
{
    xaddress_limit = bytes;
}

void hak_fake_os_advance(uint64_t ms)
{
    xnow_ms += ms;
}

void hak_fake_os_nodes(unsigned nodes)
{
    xnodes = nodes;
}

void hak_fake_os_move(unsigned node)
{
    this_node = node;
}

static bool call_passes(enum hak_os_call kind)
{
    hak_os_count_call(kind);
    if (xfailures_left == 0)
        return true;
    if (xsuccesses_left > 0) {
        xsuccesses_left--;
        return true;
    }
    xfailures_left--;
    return false;
}

struct mapping {
    char *start;
    size_t bytes;
    size_t gone_bytes; // unmapped so far
    unsigned node;
    uint64_t large_pages; // that are wanted or given: one bit each, of the first 128 MiB
    uint64_t split_pages; // that were ever split
    struct mapping *next;
};
static struct mapping *mappings;
static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;

static void *fresh(size_t bytes, size_t alignment)
{
    if (alignment < hak_os_page_bytes())
        alignment = hak_os_page_bytes();
    struct mapping *mapping = malloc(sizeof *mapping);
    char *p = aligned_alloc(alignment, hak_round_up(bytes, alignment));
    if (mapping == NULL || p == NULL)
        abort();
    memset(p, 0, bytes);
    pthread_mutex_lock(&mappings_lock);
    *mapping = (struct mapping){
        .start = p, .bytes = bytes, .node = FAKE_OS_NOWHERE, .next = mappings};
    mapping->large_pages = xgives_large_pages ? UINT64_MAX : 0;
    mappings = mapping;
    pthread_mutex_unlock(&mappings_lock);
    return p;
}

// Unmaps the part of one mapping that lies in [p, p + bytes).  Returns its bytes.
static size_t drop_part(struct mapping **link, const char *p, size_t bytes)
{
    struct mapping *mapping = *link;
    char *end = mapping->start + mapping->bytes;
    const char *from = p > mapping->start ? p : mapping->start;
    const char *to = p + bytes < end ? p + bytes : end;
    if (from >= to)
        return 0;
    mapping->gone_bytes += (size_t)(to - from);
    if (mapping->gone_bytes == mapping->bytes) {
        *link = mapping->next;
        free(mapping->start);
        free(mapping);
    }
    return (size_t)(to - from);
}

static void drop(const char *p, size_t bytes)
{
    size_t dropped = 0;
    pthread_mutex_lock(&mappings_lock);
    for (struct mapping **link = &mappings; dropped < bytes && *link != NULL;) {
        struct mapping *before = *link;
        dropped += drop_part(link, p, bytes);
        if (*link == before)
            link = &before->next;
    }
    pthread_mutex_unlock(&mappings_lock);
    HAK_CHECK(dropped == bytes); // nothing else was mapped there
}

static bool kernel_allows(size_t bytes)
{
    if (call_passes(HAK_OS_MAP) && bytes <= xaddress_limit - hak_os_counts().mapped_bytes)
        return true;
    hak_os_count_refusal();
    return false;
}

static bool may_map(size_t bytes)
{
    return hak_os_limit_allows(bytes) && kernel_allows(bytes);
}

void *hak_os_map(size_t bytes, size_t alignment)
{
    if (!may_map(bytes))
        return NULL;
    hak_os_count_bytes(bytes, 0);
    return fresh(bytes, alignment);
}

void *hak_os_reserve(size_t bytes, bool readable)
{
    (void)readable;
    return kernel_allows(bytes) ? fresh(bytes, 1) : NULL;
}

void hak_os_unreserve(void *p, size_t bytes)
{
    if (call_passes(HAK_OS_UNMAP))
        drop(p, bytes);
}

bool hak_os_commit(void *p, size_t bytes)
{
    (void)p;
    if (!may_map(bytes))
        return false;
    hak_os_count_bytes(bytes, 0);
    return true;
}

// Nothing that a test could run into: sanitizers know no pages.
bool hak_os_protect(void *p, size_t bytes, bool accessible)
{
    (void)p;
    (void)bytes;
    (void)accessible;
    return call_passes(HAK_OS_MAP);
}

bool hak_os_unmap(void *p, size_t bytes)
{
    if (!call_passes(HAK_OS_UNMAP))
        return false;
    drop(p, bytes);
    hak_os_count_bytes(0, bytes);
    return true;
}

bool hak_os_purge(void *p, size_t bytes)
{
    if (!call_passes(HAK_OS_PURGE))
        return false;
    memset(p, 0, bytes);
    return true;
}

unsigned hak_os_purge_together(const struct hak_os_range *ranges, unsigned count)
{
    if (!xpurges_together)
        return 0;
    unsigned done = call_passes(HAK_OS_PURGE) ? count : count / 2;
    for (unsigned i = 0; i < done; i++)
        memset(ranges[i].start, 0, ranges[i].bytes);
    return done;
}

// The fake cannot grow in place: it refuses.
void *hak_os_resize(void *p, size_t old_bytes, size_t new_bytes, void *place)
{
    if (!call_passes(HAK_OS_RESIZE) || (place == p && new_bytes > old_bytes)) {
        if (place != p && place != NULL) {
            drop(place, new_bytes);
            hak_os_count_bytes(0, new_bytes);
        }
        return NULL;
    }
    if (place != p) {
        memcpy(place, p, old_bytes < new_bytes ? old_bytes : new_bytes);
        drop(p, old_bytes);
    } else {
        drop((char *)p + new_bytes, old_bytes - new_bytes);
    }
    hak_os_count_bytes(place == p ? new_bytes : 0, old_bytes);
    return place;
}

static struct mapping *mapping_of_locked(const char *p)
{
    struct mapping *mapping = mappings;
    while (mapping != NULL && (size_t)(p - mapping->start) >= mapping->bytes)
        mapping = mapping->next;
    HAK_CHECK(mapping != NULL);
    return mapping;
}

unsigned hak_fake_os_node_of(const void *p)
{
    pthread_mutex_lock(&mappings_lock);
    unsigned node = mapping_of_locked(p)->node;
    pthread_mutex_unlock(&mappings_lock);
    return node;
}

static bool may_choose_node(void)
{
    return hak_options.numa != 0 && xnodes > 1;
}

unsigned hak_os_node(void)
{
    return may_choose_node() ? this_node : 0;
}

bool hak_os_place(void *p, size_t bytes, unsigned node)
{
    if (!may_choose_node() || !call_passes(HAK_OS_PLACE))
        return false;
    pthread_mutex_lock(&mappings_lock);
    struct mapping *mapping = mapping_of_locked(p);
    HAK_CHECK(mapping->start == p && bytes <= mapping->bytes);
    mapping->node = node;
    pthread_mutex_unlock(&mappings_lock);
    return true;
}

// The large pages of the mapping that [p, p + bytes) begins or goes on in.
static uint64_t large_pages(const struct mapping *mapping, const char *p, size_t bytes)
{
    size_t from = (size_t)(p - mapping->start), to = from + bytes;
    HAK_CHECK(to <= mapping->bytes);
    uint64_t pages = 0;
    for (unsigned i = 0; i < 64; i++) {
        size_t start = (size_t)i * HAK_OS_LARGE_PAGE_BYTES;
        if (start < to && from < start + HAK_OS_LARGE_PAGE_BYTES)
            pages |= (uint64_t)1 << i;
    }
    return pages;
}

enum hak_os_large_pages hak_os_want_large_pages(void *p, size_t bytes)
{
    if (!call_passes(HAK_OS_PLACE))
        return HAK_OS_NOT_ASKED;
    pthread_mutex_lock(&mappings_lock);
    struct mapping *mapping = mapping_of_locked(p);
    mapping->large_pages |= large_pages(mapping, p, bytes);
    pthread_mutex_unlock(&mappings_lock);
    return xhas_large_pages ? HAK_OS_GOT_ONE : HAK_OS_ASKED;
}

void hak_os_want_small_pages(void *p, size_t bytes)
{
    if (!call_passes(HAK_OS_PLACE))
        return;
    pthread_mutex_lock(&mappings_lock);
    struct mapping *mapping = mapping_of_locked(p);
    mapping->large_pages &= ~large_pages(mapping, p, bytes);
    pthread_mutex_unlock(&mappings_lock);
}

void hak_os_split_large_page(void *p)
{
    HAK_CHECK((uintptr_t)p % HAK_OS_LARGE_PAGE_BYTES == 0);
    if (!call_passes(HAK_OS_PLACE))
        return;
    pthread_mutex_lock(&mappings_lock);
    struct mapping *mapping = mapping_of_locked(p);
    mapping->split_pages |= large_pages(mapping, p, 1);
    pthread_mutex_unlock(&mappings_lock);
}

bool hak_os_peek(const void *p)
{
    return *(const uint32_t *)p != 0;
}

bool hak_fake_os_wants_large_page(const void *p)
{
    pthread_mutex_lock(&mappings_lock);
    const struct mapping *mapping = mapping_of_locked(p);
    bool wants = (mapping->large_pages & large_pages(mapping, p, 1)) != 0;
    pthread_mutex_unlock(&mappings_lock);
    return wants;
}

bool hak_fake_os_was_split(const void *p)
{
    pthread_mutex_lock(&mappings_lock);
    const struct mapping *mapping = mapping_of_locked(p);
    bool was = (mapping->split_pages & large_pages(mapping, p, 1)) != 0;
    pthread_mutex_unlock(&mappings_lock);
    return was;
}

size_t hak_os_page_bytes(void)
{
    return HAK_MIN_PAGE_BYTES;
}

uint64_t hak_os_now_ms(void)
{
    return xnow_ms;
}

size_t hak_os_address_limit(void)
{
    return xaddress_limit;
}

size_t hak_os_group_limit(void)
{
    return SIZE_MAX;
}
