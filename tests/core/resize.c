// realloc: in place where the class allows, by moving pages for large blocks, contents kept.
#include "expect.h"
#include "hak_hardening.h"
#include "hak_os_boundary.h"

#include <hakmem/hakmem.h>
#include <string.h>

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 31 + i / 251);
}

static void fill(unsigned char *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        p[i] = byte_at(i);
}

static void verify(const unsigned char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        EXPECT(p[i] == byte_at(i), "byte %zu of %zu", i, bytes);
}

static void grow_and_shrink(void)
{
    unsigned char *p = NULL;
    size_t bytes = 0;
    for (size_t next = 1; next < 6 * 1024 * 1024; next += next / 3 + 1) {
        p = hak_realloc(p, next);
        EXPECT(p != NULL, "%zu bytes", next);
        verify(p, bytes);
        fill(p, bytes, next);
        bytes = next;
    }
    while (bytes > 1) {
        bytes -= bytes / 3 + 1;
        p = hak_realloc(p, bytes + 1);
        EXPECT(p != NULL, "%zu bytes", bytes);
        verify(p, bytes);
    }
    hak_free(p);
}

static void stay_in_class(void)
{
    for (unsigned size_class = 1; size_class < HAK_CLASS_COUNT; size_class++) {
        size_t usable = hak_class_usable(size_class) - HAK_CANARY_BYTES;
        void *p = hak_alloc(hak_class_usable(size_class - 1) - HAK_CANARY_BYTES + 1);
        EXPECT(hak_realloc(p, usable) == p, "class %u moved", size_class);
        EXPECT(hak_usable_size(p) == usable, "class %u", size_class);
        hak_free(p);
    }
}

static void slow_growth_is_copied_seldom(void)
{
    if (HAK_HARDENED)
        return; // whose blocks are no larger than asked for
    unsigned moves = 0;
    size_t bytes = 4096;
    unsigned char *p = hak_alloc(bytes);
    EXPECT(p != NULL, "%zu bytes", bytes);
    fill(p, 0, bytes);
    while (bytes < 400 * 1024) {
        size_t more = bytes + bytes / 8;
        unsigned char *grown = hak_realloc(p, more);
        EXPECT(grown != NULL && hak_usable_size(grown) >= more, "%zu bytes", more);
        verify(grown, bytes);
        fill(grown, bytes, more);
        moves += grown != p;
        p = grown;
        bytes = more;
    }
    EXPECT(moves <= 16, "%u moves", moves); // of 40 steps, past 26 classes
    hak_free(p);
}

static void large_moves_pages(void)
{
    if (HAK_HARDENED_FULLY)
        return; // copies
    size_t bytes = 64 * 1024 * 1024;
    char *p = hak_alloc(bytes);
    EXPECT(p != NULL, "64 MiB");
    memset(p, 7, bytes);
    uint64_t before = hak_os_counts().resize;
    p = hak_realloc(p, 2 * bytes);
    EXPECT(p != NULL && p[0] == 7 && p[bytes - 1] == 7, "grown");
    EXPECT(hak_os_counts().resize > before, "grown without mremap");
    p = hak_realloc(p, 1024 * 1024);
    EXPECT(p != NULL && p[1024 * 1024 - 1] == 7, "shrunk");
    EXPECT(hak_usable_size(p) <= 2 * 1024 * 1024, "the rest went back");
    hak_free(p);
}

int main(void)
{
    grow_and_shrink();
    stay_in_class();
    slow_growth_is_copied_seldom();
    large_moves_pages();
    return 0;
}
