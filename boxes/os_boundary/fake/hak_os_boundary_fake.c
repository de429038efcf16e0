// A boundary over libc's aligned_alloc, for tests: calls fail by script, lost memory shows up in
// mapped_bytes, and sanitizers see each mapping as one object.
#include "hak_os_boundary_fake.h"
#include "hak_os_count.h"

#include <stdlib.h>
#include <string.h>

static _Atomic unsigned xsuccesses_left;
static _Atomic unsigned xfailures_left;
static _Atomic uint64_t xnow_ms;
static _Atomic size_t xlimit_bytes = (size_t)4 << 30;

void hak_fake_os_fail(unsigned successes, unsigned failures)
{
    xsuccesses_left = successes;
    xfailures_left = failures;
}

void hak_fake_os_limit(size_t bytes)
{
    xlimit_bytes = bytes;
}

void hak_fake_os_advance(uint64_t ms)
{
    xnow_ms += ms;
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

static void *fresh(size_t bytes, size_t alignment)
{
    if (alignment < hak_os_page_bytes())
        alignment = hak_os_page_bytes();
    void *p = aligned_alloc(alignment, hak_round_up(bytes, alignment));
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

void *hak_os_map(size_t bytes, size_t alignment)
{
    if (!call_passes(HAK_OS_MAP) || bytes > xlimit_bytes - hak_os_counts().mapped_bytes)
        return NULL;
    void *p = fresh(bytes, alignment);
    if (p != NULL)
        hak_os_count_bytes(bytes, 0);
    return p;
}

void *hak_os_reserve(size_t bytes, bool readable)
{
    (void)readable;
    return hak_os_map(bytes, 1);
}

bool hak_os_commit(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
    return call_passes(HAK_OS_MAP);
}

// Pre: the whole mapping; the fake does not split.
bool hak_os_unmap(void *p, size_t bytes)
{
    if (!call_passes(HAK_OS_UNMAP))
        return false;
    free(p);
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

// The fake cannot grow in place: it refuses.
void *hak_os_resize(void *p, size_t old_bytes, size_t new_bytes, void *place)
{
    if (!call_passes(HAK_OS_RESIZE) || (place == p && new_bytes > old_bytes)) {
        if (place != p && place != NULL)
            hak_os_count_bytes(0, new_bytes);
        free(place != p ? place : NULL);
        return NULL;
    }
    if (place != p) {
        memcpy(place, p, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(p);
    }
    hak_os_count_bytes(place == p ? new_bytes : 0, old_bytes);
    return place;
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
    return xlimit_bytes;
}
