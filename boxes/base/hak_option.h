// Run-time options: one row each; the row makes the variable, the parser, the tests and the docs.
// Read once from the environment, before the first heap exists; ignored in set-uid programs.
#ifndef HAK_OPTION_H
#define HAK_OPTION_H

#include "hak_base.h"

enum { HAK_OPTION_AUTO = -1 };      // the value "auto", where the minimum allows it
enum { HAK_OPTION_INTERLEAVE = 2 }; // of HAKMEM_NUMA

// ROW(name, environment variable, default, minimum, maximum, box, meaning)
#define HAK_OPTION_ROWS(ROW)                                                                       \
    ROW(verbose, "HAKMEM_VERBOSE", 0, 0, 1, "frontends", "print one line at process exit")         \
    ROW(foreign_free, "HAKMEM_FOREIGN_FREE", 1, 0, 1, "frontends",                                 \
        "free of a pointer that is not hakmem's: 1 abort, 0 say so once and go on")                \
    ROW(p0, "HAKMEM_P0", 1, 0, 1, "tiny/refill", "0: refill block by block, also in a p0 build")   \
    ROW(drain, "HAKMEM_DRAIN", 128 * 1024, 0, (long)1 << 30, "tiny/refill",                        \
        "bytes that refills take before they drain remote frees; 0: only when out")                \
    ROW(refill, "HAKMEM_REFILL", 16, 1, 1024, "tiny/front", "blocks of a first refill")            \
    ROW(cache_slots, "HAKMEM_CACHE_SLOTS", 2048, 16, 2048, "tiny/front",                           \
        "slots a class may grow to in a thread cache")                                             \
    ROW(cache_kib, "HAKMEM_CACHE_KIB", 4096, 64, 1048576, "tiny/front",                            \
        "KiB of blocks that a thread's bins may grow to hold, beyond what they start with")        \
    ROW(nursery, "HAKMEM_NURSERY", 32, 0, 1048576, "tiny/front",                                   \
        "threads from which on the first blocks of a thread come from shared slabs; 0: never")     \
    ROW(prewarm, "HAKMEM_PREWARM", 1, 0, 2, "tiny/front",                                          \
        "in a prewarm build: 0 off, 1 fixed counts, 2 only classes that recent threads used")      \
    ROW(chunk_init, "HAKMEM_POOL_CHUNK_MB_INIT", 1, 1, 8, "slab", "MiB of the first chunk")        \
    ROW(chunk_max, "HAKMEM_POOL_CHUNK_MB_MAX", 8, 1, 8, "slab", "MiB of the largest chunk")        \
    ROW(chunk_growth, "HAKMEM_POOL_CHUNK_MB_GROWTH", 2, 1, 8, "slab",                              \
        "factor from one chunk to the next")                                                       \
    ROW(dirty_mib, "HAKMEM_DIRTY_MIB", 16, 0, 1048576, "slab",                                     \
        "MiB of free memory that may keep its pages")                                              \
    ROW(dirty_percent, "HAKMEM_DIRTY_PERCENT", 10, 0, 100, "slab",                                 \
        "the same as a share of the memory in use, if that is more")                               \
    ROW(bigcache, "HAKMEM_BIGCACHE", 1, 0, 1, "bigcache", "0: unmap large blocks when freed")      \
    ROW(bigcache_mib, "HAKMEM_BIGCACHE_MIB", 256, 0, 1048576, "bigcache",                          \
        "MiB of freed large blocks kept at most")                                                  \
    ROW(huge, "HAKMEM_HUGE", 1, 0, 1, "slab",                                                      \
        "1: heaps that grow and large blocks that come and go get large pages while the kernel "   \
        "has some; 0: never")                                                                      \
    ROW(purge_together, "HAKMEM_PURGE_TOGETHER", 1, 0, 1, "os_boundary",                           \
        "0: pages go back to the kernel by madvise only, not by process_madvise")                  \
    ROW(janitor, "HAKMEM_JANITOR", 1, 0, 1, "frontends",                                           \
        "0: no thread that gives memory back while all others are idle")                           \
    ROW(limit, "HAKMEM_LIMIT", 0, HAK_OPTION_AUTO, (long)1 << 50, "os_boundary",                   \
        "bytes that may be mapped in all; 0: no limit; auto: the control group's")                 \
    ROW(numa, "HAKMEM_NUMA", HAK_CONFIG_NUMA, 0, HAK_OPTION_INTERLEAVE, "os_boundary",             \
        "pages come from: 0 where they are first touched, 1 the node of the thread that asks, "    \
        "2 the same but large blocks from all nodes in turn")                                      \
    ROW(hardening, "HAKMEM_HARDENING", 1, 0, 1, "hardening", "in a hardened build: 0 no checks")   \
    ROW(quarantine, "HAKMEM_QUARANTINE", 1, 0, 1, "hardening",                                     \
        "in a build with full hardening: 0 freed blocks are reused at once")                       \
    ROW(sample, "HAKMEM_SAMPLE", 5000, 0, (long)1 << 30, "hardening",                              \
        "in a build with full hardening: one in so many blocks gets guard pages; 0: none")         \
    ROW(diet, "HAKMEM_DIET", HAK_CONFIG_DIET, 0, 1, "base",                                        \
        "1: bounds what is cached and kept; options set as well may ask for less")

struct hak_options {
#define HAK_OPTION_FIELD(name, variable, fallback, low, high, box, meaning) long name;
    HAK_OPTION_ROWS(HAK_OPTION_FIELD)
#undef HAK_OPTION_FIELD
};

extern HAK_HIDDEN struct hak_options hak_options; // the defaults until hak_options_read() has run

// Reads the variables from `environment` ("NAME=value" strings, NULL-terminated).  A value that is
// neither a decimal number in the row's range nor "auto" where the row allows it is reported once
// on stderr and the default stays.
// Threads: none but the caller may allocate meanwhile.
void hak_options_read(char **environment);

// The same for the process's own environment, which set-uid programs ignore; then HAKMEM_DIET
// lowers other options.
void hak_options_start(char **environment);

#endif
