// What does it cost to learn, from a pointer alone, whether it can be followed and what it is?
// Prints nanoseconds a look-up: with all blocks in the first-level cache, and far apart.
//
// Blocks lie 64 bytes apart, so one in 64 starts a page: only there can the byte before the block
// be on another page, which may not be mapped.
#include "classify.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    BLOCKS = 65536,
    BLOCK_BYTES = 64,
    PAGE_BYTES = 4096,
    GRANULE_BYTES = 65536,
    NEAR_BYTES = 16384,
    FAR_BYTES = 1024 * GRANULE_BYTES,
    ROUNDS = 7,
    HEADER_BYTE = 0xa0, // as header.c's build writes it: magic, class 0
};

static char *near_blocks[BLOCKS], *far_blocks[BLOCKS];
static volatile uint64_t sink; // takes the answers, so that they are needed

// ---- the ways that need no box

static bool readable(const char *p)
{
    unsigned char resident;
    uintptr_t page = (uintptr_t)p & ~(uintptr_t)(PAGE_BYTES - 1);
    return mincore((void *)page, 1, &resident) == 0; // NOLINT(performance-no-int-to-ptr)
}

static bool starts_page(const char *p)
{
    return ((uintptr_t)p & (PAGE_BYTES - 1)) == 0;
}

static uint64_t look_up_mincore(char *const *blocks, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += readable(blocks[i] - 1) ? (unsigned char)blocks[i][-1] : 0;
    return sum;
}

static uint64_t look_up_boundary(char *const *blocks, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += starts_page(blocks[i]);
    return sum;
}

static uint64_t look_up_hybrid(char *const *blocks, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!starts_page(blocks[i]) || readable(blocks[i] - 1))
            sum += (unsigned char)blocks[i][-1];
    return sum;
}

static const struct classify_probe mincore_probe = {"mincore, then header", NULL, look_up_mincore};
static const struct classify_probe boundary_probe = {"boundary test alone", NULL, look_up_boundary};
static const struct classify_probe hybrid_probe = {"hybrid: mincore at page start", NULL,
                                                   look_up_hybrid};

// ---- timing

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// The best of several rounds: everything that disturbs only adds.
static double ns_each(const struct classify_probe *probe, char *const *blocks)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns(), spent;
        unsigned passes = 0;
        do {
            sink += probe->look_up(blocks, BLOCKS);
            passes++;
            spent = now_ns() - start;
        } while (spent < 2e6);
        if (round == 0 || spent / passes < best)
            best = spent / passes;
    }
    return best / BLOCKS;
}

// Maps whole granules, with a header before each block, and picks blocks in their first `bytes`.
static char *make_blocks(size_t bytes, char **ret_blocks)
{
    char *mapping = mmap(NULL, bytes + 2 * GRANULE_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        fprintf(stderr, "classify: no memory\n");
        exit(1);
    }
    char *start = mapping + (GRANULE_BYTES - (uintptr_t)mapping % GRANULE_BYTES);
    memset(start - 1, HEADER_BYTE, bytes);
    uint64_t random = 1;
    for (size_t i = 0; i < BLOCKS; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        ret_blocks[i] = start + (random >> 33) % (bytes / BLOCK_BYTES) * BLOCK_BYTES;
    }
    return start;
}

int main(void)
{
    static const struct classify_probe *const probes[] = {
        &mincore_probe,         &boundary_probe,       &hybrid_probe,
        &classify_probe_header, &classify_probe_radix, &classify_probe_flat,
    };
    char *near_start = make_blocks(NEAR_BYTES, near_blocks);
    char *far_start = make_blocks(FAR_BYTES, far_blocks);
    printf("%-32s %12s %12s\n", "ns a look-up, blocks within", "16 KiB", "64 MiB");
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        const struct classify_probe *probe = probes[i];
        if (probe->prepare) {
            probe->prepare(near_start, GRANULE_BYTES);
            probe->prepare(far_start, FAR_BYTES);
        }
        printf("%-32s %12.2f %12.2f\n", probe->name, ns_each(probe, near_blocks),
               ns_each(probe, far_blocks));
    }
    return 0;
}
