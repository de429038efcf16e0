// A short list in order of age, newest first, bounded in entries and bytes.
#include "hak_bigcache.h"
#include "hak_lock.h"
#include "hak_option.h"
#include "hak_os_boundary.h"

#include <string.h>

enum { ENTRIES = 64, MIB = 1024 * 1024 };

// Under HAK_LOCK_BIGCACHE.
static struct hak_mapping kept[ENTRIES];
static unsigned kept_count;
static size_t kept_bytes;

static struct hak_mapping remove_locked(unsigned i)
{
    struct hak_mapping mapping = kept[i];
    kept_count--;
    kept_bytes -= mapping.bytes;
    memmove(kept + i, kept + i + 1, (kept_count - i) * sizeof kept[0]);
    return mapping;
}

static void insert_locked(struct hak_mapping mapping)
{
    memmove(kept + 1, kept, kept_count * sizeof kept[0]);
    kept[0] = mapping;
    kept_count++;
    kept_bytes += mapping.bytes;
}

// Takes the oldest mapping out when `room` more bytes would exceed the bounds.
static bool take_surplus(size_t room, struct hak_mapping *ret_mapping)
{
    size_t bound = (size_t)hak_options.bigcache_mib * MIB;
    hak_lock_take(HAK_LOCK_BIGCACHE);
    bool surplus = kept_count > 0 && (kept_count == ENTRIES || kept_bytes + room > bound);
    if (surplus)
        *ret_mapping = remove_locked(kept_count - 1);
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return surplus;
}

bool hak_bigcache_put(struct hak_mapping mapping)
{
    if (!hak_options.bigcache || mapping.bytes > (size_t)hak_options.bigcache_mib * MIB)
        return false;
    struct hak_mapping old;
    while (take_surplus(mapping.bytes, &old))
        hak_os_discard(old.start, old.bytes);
    hak_lock_take(HAK_LOCK_BIGCACHE);
    bool room = kept_count < ENTRIES;
    if (room)
        insert_locked(mapping);
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return room;
}

// The tightest fit; the newest of equals, because its pages are warm.
static unsigned find_locked(size_t bytes, size_t alignment)
{
    unsigned best = ENTRIES;
    for (unsigned i = 0; i < kept_count; i++) {
        bool fits = kept[i].bytes >= bytes && kept[i].bytes - bytes <= bytes / 8 &&
                    ((uintptr_t)kept[i].start & (alignment - 1)) == 0;
        if (fits && (best == ENTRIES || kept[i].bytes < kept[best].bytes))
            best = i;
    }
    return best;
}

bool hak_bigcache_take(size_t bytes, size_t alignment, struct hak_mapping *ret_mapping)
{
    hak_lock_take(HAK_LOCK_BIGCACHE);
    unsigned i = find_locked(bytes, alignment);
    if (i < ENTRIES)
        *ret_mapping = remove_locked(i);
    hak_lock_drop(HAK_LOCK_BIGCACHE);
    return i < ENTRIES;
}

size_t hak_bigcache_trim(void)
{
    size_t trimmed = 0;
    struct hak_mapping old;
    while (take_surplus(PTRDIFF_MAX, &old)) {
        hak_os_discard(old.start, old.bytes);
        trimmed += old.bytes;
    }
    return trimmed;
}
