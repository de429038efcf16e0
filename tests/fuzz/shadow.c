#include "shadow.h"
#include "arena.h"
#include "fuzz.h"

#include <hakmem/hakmem.h>
#include <string.h>
#include <sys/mman.h>

enum { CELL_BYTES = 8, WRITES = 16, WRITES_IF_LARGE = 4, LARGE_BYTES = 4096 };

// Outside of the library's data, which are put back before each input.
static struct shadow_block *blocks;
static char *owned; // 1: the 8 bytes belong to a live block

static void *map(size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    FUZZ_CHECK(p != MAP_FAILED, "%zu bytes", bytes);
    return p;
}

void shadow_start(void)
{
    blocks = map(SHADOW_BLOCKS * sizeof blocks[0]);
    owned = map(ARENA_BYTES / CELL_BYTES);
}

struct shadow_block *shadow_block(unsigned number)
{
    return &blocks[number % SHADOW_BLOCKS];
}

static char *cells_of(const unsigned char *p)
{
    return owned + ((const char *)p - ARENA_BASE) / CELL_BYTES;
}

static size_t cell_count(size_t bytes)
{
    return (bytes + CELL_BYTES - 1) / CELL_BYTES;
}

static unsigned char pattern(const struct shadow_block *block, size_t offset)
{
    return (unsigned char)(block->seed + offset / block->step * 37);
}

static void write_on(struct shadow_block *block)
{
    static unsigned char next_seed;
    block->seed = next_seed += 113;
    block->step = block->usable / (block->usable < LARGE_BYTES ? WRITES : WRITES_IF_LARGE) + 1;
    for (size_t i = 0; i < block->usable; i += block->step)
        block->p[i] = pattern(block, i);
    block->p[block->usable - 1] = pattern(block, block->usable - 1);
}

void shadow_add(struct shadow_block *block, void *p, size_t bytes, size_t alignment)
{
    size_t usable = hak_usable_size(p), offset = (size_t)((char *)p - ARENA_BASE);
    FUZZ_CHECK(offset < ARENA_BYTES && usable <= ARENA_BYTES - offset, "%zu at %p", usable, p);
    FUZZ_CHECK(usable >= bytes && usable > 0, "%zu of %zu at %p", usable, bytes, p);
    FUZZ_CHECK((uintptr_t)p % alignment == 0, "%zu at %p", alignment, p);
    *block = (struct shadow_block){.p = p, .usable = usable};
    char *cells = cells_of(p);
    FUZZ_CHECK(memchr(cells, 1, cell_count(usable)) == NULL, "%zu at %p overlap", usable, p);
    memset(cells, 1, cell_count(usable));
    write_on(block);
}

void shadow_expect(const struct shadow_block *block, const unsigned char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += block->step)
        FUZZ_CHECK(p[i] == pattern(block, i), "byte %zu of %zu at %p", i, bytes, (const void *)p);
    size_t last = block->usable - 1;
    FUZZ_CHECK(bytes <= last || p[last] == pattern(block, last), "last of %zu at %p", bytes,
               (const void *)p);
}

void shadow_remove(struct shadow_block *block)
{
    shadow_expect(block, block->p, block->usable);
    FUZZ_CHECK(hak_usable_size(block->p) == block->usable, "%zu at %p", block->usable,
               (void *)block->p);
    memset(cells_of(block->p), 0, cell_count(block->usable));
    block->p = NULL;
}
