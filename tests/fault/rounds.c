// Fills, empties and trims the heap in rounds while kernel calls fail (run_fault.py sees to that).
// What the kernel refuses must neither be lost nor counted as done: prints what it had at first, at
// most, at most after a trim, and at the end, in KiB: pages of its own, and what is mapped by the
// kernel's count and by hakmem's.  That is exact: there is one thread, and only hakmem maps memory.
// Then the number of requests that were refused.
//
//   rounds slabs   blocks up to 400 KB; survivors keep a part of the chunks for ever
//   rounds grown   10 MB of blocks of 5 KB, in large pages if the kernel has some
//   rounds large   blocks of their own mappings: aligned, grown, moved, shrunk
#include "check.h"
#include "hak_core.h"
#include "hak_os_boundary.h"
#include "hak_page_registry.h"

#include <fcntl.h>
#include <hakmem/hakmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5, BLOCKS = 240, SURVIVORS = 8, LARGE = 4, MIB = 1 << 20 };

struct memory {
    long pages, mapped, counted; // KiB
};

static struct memory most, kept;
static unsigned refused;

static long figure(const char *path, const char *name)
{
    static char text[4096];
    int file = open(path, O_RDONLY);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    CHECK(length > 0);
    close(file);
    text[length] = '\0';
    const char *found = strstr(text, name);
    CHECK(found != NULL);
    return strtol(found + strlen(name), NULL, 10);
}

static struct memory measure(void)
{
    // Guard pages are mapped too; what the flat registry reserves is not.
    bool is_flat = strcmp(HAK_PAGE_REGISTRY_IMPL, "flat") == 0;
    struct memory now = {
        .pages = figure("/proc/self/smaps_rollup", "Anonymous:"),
        .mapped = figure("/proc/self/status", is_flat ? "VmData:" : "VmSize:"),
        .counted = (long)(hak_os_counts().mapped_bytes / 1024),
    };
    return now;
}

static void note(struct memory *ret_most)
{
    struct memory now = measure();
    ret_most->pages = now.pages > ret_most->pages ? now.pages : ret_most->pages;
    ret_most->mapped = now.mapped > ret_most->mapped ? now.mapped : ret_most->mapped;
    ret_most->counted = now.counted > ret_most->counted ? now.counted : ret_most->counted;
}

// Twice: what was refused the first time is asked for again.
static void trim(void)
{
    (void)hak_core_trim();
    (void)hak_core_trim();
    note(&kept);
}

static bool is_filled(const unsigned char *p, unsigned char value, size_t bytes)
{
    return p[0] == value && memcmp(p, p + 1, bytes - 1) == 0;
}

// Fills a new block.
static unsigned char *fill(unsigned char *p, size_t bytes)
{
    refused += p == NULL;
    return p != NULL ? memset(p, 0xa5, bytes) : NULL;
}

static unsigned char *make(size_t bytes)
{
    unsigned char *p = hak_calloc(1, bytes);
    CHECK(p == NULL || is_filled(p, 0, bytes));
    return fill(p, bytes);
}

// From 1 KB to 400 KB: several classes, some megabytes in all.
static size_t block_bytes(unsigned i)
{
    static const size_t sizes[] = {1000, 5000, 20000, 60000};
    return i % 40 == 0 ? 400000 : sizes[i % 4];
}

static void drop_blocks(unsigned char **blocks, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        hak_free(blocks[i]);
}

static void slabs_round(void)
{
    unsigned char *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = make(block_bytes(i));
    note(&most);
    // One of eight blocks of 60 KB stays in the earlier half: slabs with pages that nobody uses.
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (i % 32 != 3 || i >= BLOCKS / 2) {
            hak_free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    trim();
    drop_blocks(blocks, BLOCKS);
    trim();
}

static void slabs(void)
{
    unsigned char *survivors[SURVIVORS];
    for (unsigned i = 0; i < SURVIVORS; i++)
        survivors[i] = make(3000); // a chunk that stays
    for (unsigned round = 0; round < ROUNDS; round++)
        slabs_round();
    for (unsigned i = 0; i < SURVIVORS; i++)
        CHECK(survivors[i] == NULL || is_filled(survivors[i], 0xa5, 3000));
}

static void grown_round(void)
{
    enum { COUNT = 2000, BYTES = 5000, APART = 100 };
    static unsigned char *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = make(BYTES);
    note(&most);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % APART != 0) {
            hak_free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    trim();
    for (unsigned i = 0; i < COUNT; i += APART)
        CHECK(blocks[i] == NULL || is_filled(blocks[i], 0xa5, BYTES));
    drop_blocks(blocks, COUNT);
    trim();
}

static void grown(void)
{
    for (unsigned round = 0; round < 2; round++)
        grown_round();
}

// Resizes a block, if there is one; frees it where that is refused.
static unsigned char *resize(unsigned char *p, size_t old_bytes, size_t bytes)
{
    if (p == NULL)
        return NULL;
    unsigned char *moved = hak_realloc(p, bytes);
    if (moved != NULL) {
        CHECK(is_filled(moved, 0xa5, bytes < old_bytes ? bytes : old_bytes));
    } else {
        CHECK(is_filled(p, 0xa5, old_bytes));
        hak_free(p);
    }
    return fill(moved, bytes);
}

static void large_round(void)
{
    unsigned char *blocks[LARGE], *aligned = fill(hak_aligned_alloc(2 * MIB, MIB), MIB);
    CHECK((uintptr_t)aligned % (2 * MIB) == 0);
    for (unsigned i = 0; i < LARGE; i++)
        blocks[i] = make(MIB);
    for (unsigned i = 0; i < LARGE; i++)
        blocks[i] = resize(blocks[i], MIB, 2 * MIB); // neighbours are in the way: it moves
    note(&most);
    for (unsigned i = 0; i < LARGE; i++)
        blocks[i] = resize(blocks[i], 2 * MIB, MIB);
    drop_blocks(blocks, LARGE);
    hak_free(aligned);
    trim();
}

static void large(void)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        large_round();
}

static void print(const char *when, struct memory memory)
{
    dprintf(STDOUT_FILENO, "%s %ld %ld %ld\n", when, memory.pages, memory.mapped, memory.counted);
}

int main(int argc, char **argv)
{
    struct memory before = measure();
    CHECK(argc == 2);
    if (strcmp(argv[1], "slabs") == 0)
        slabs();
    else if (strcmp(argv[1], "grown") == 0)
        grown();
    else
        large();
    print("before", before);
    print("most", most);
    print("kept", kept);
    print("end", measure());
    dprintf(STDOUT_FILENO, "refused %u\n", refused);
}
