// What every box stands on: attributes, checks, panic, small arithmetic.
#ifndef HAK_BASE_H
#define HAK_BASE_H

#include "hak_config.h" // made by Meson from the build options

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Inline on every caller's hit path: no loop, at most one cold call at the tail.
#define HAK_FAST static inline __attribute__((always_inline, unused))
#define HAK_COLD __attribute__((noinline, cold))
// For data declared in a header: without it, -fvisibility notwithstanding, access goes by the GOT.
#define HAK_HIDDEN __attribute__((visibility("hidden")))
#define HAK_EXPORT __attribute__((visibility("default")))
// An exported second name of a function in the same file.
#if defined(__clang__)
#define HAK_ALIAS(target) HAK_EXPORT __attribute__((alias(#target)))
#else
#define HAK_ALIAS(target) HAK_EXPORT __attribute__((alias(#target), copy(target)))
#endif
#define HAK_LIKELY(x) __builtin_expect(!!(x), 1)
#define HAK_UNLIKELY(x) __builtin_expect(!!(x), 0)

// Both sides of a switch always compile: `if (HAK_PREWARM) ...`
enum {
    HAK_DEBUG = HAK_CONFIG_DEBUG_LEVEL,       // 1 asserts, 2 walks the heap at slow paths, 3 always
    HAK_HARDENED = HAK_CONFIG_HARDENING >= 1, // hardening=light or full
    HAK_HARDENED_FULLY = HAK_CONFIG_HARDENING >= 2,
    HAK_PREWARM = HAK_CONFIG_PREWARM,
    HAK_HEADER_CLASSIDX = HAK_CONFIG_HEADER_CLASSIDX,
    HAK_CXX = HAK_CONFIG_CXX,   // built with a C++ compiler at hand
    HAK_NUMA = HAK_CONFIG_NUMA, // memory nodes may be told apart
};

enum {
    HAK_GRANULE_SHIFT = 16, // 64 KiB: a multiple of every OS page size in use
    HAK_GRANULE_BYTES = 1 << HAK_GRANULE_SHIFT,
    HAK_CACHE_LINE_BYTES = 64,
    HAK_MIN_PAGE_BYTES = 4096, // the smallest OS page
};

// Ends the process with one line "hakmem: <what> <p>: <hint>" on stderr.  Threads: any.
_Noreturn HAK_COLD void hak_panic(const char *what, const void *p, const char *hint);
// One line "hakmem: <what> <detail>", for the few things worth saying without dying.
HAK_COLD void hak_warn(const char *what, const char *detail);

// A check of hakmem's own state that is made in every build.
#define HAK_CHECK(condition)                                                                       \
    do {                                                                                           \
        if (HAK_UNLIKELY(!(condition)))                                                            \
            hak_panic("internal check failed: " #condition, NULL, __FILE__);                       \
    } while (0)

// The same in debug builds only; still type-checked in release.
#define HAK_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (HAK_DEBUG)                                                                             \
            HAK_CHECK(condition);                                                                  \
    } while (0)

// Number of the highest set bit of n.  Constant expression for constant n.  Pre: n > 0.
#define HAK_LOG2(n) (63 ^ __builtin_clzll((unsigned long long)(n)))

// Pre: `alignment` is a power of two and the sum does not overflow.
HAK_FAST size_t hak_round_up(size_t n, size_t alignment)
{
    return (n + alignment - 1) & ~(alignment - 1);
}

HAK_FAST bool hak_is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

HAK_FAST unsigned hak_ctz64(uint64_t word) // Pre: word != 0
{
    return (unsigned)__builtin_ctzll(word);
}

// Sets bit index % 64.  Whether it was set.
HAK_FAST bool hak_test_and_set(uint64_t *word, uint64_t index)
{
#if defined(__x86_64__)
    // One instruction, where compilers take five.
    bool was_set;
    __asm__("btsq %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(index) : "cc");
    return was_set;
#else
    uint64_t bit = (uint64_t)1 << (index % 64);
    bool was_set = (*word & bit) != 0;
    *word |= bit;
    return was_set;
#endif
}

// Asks for the cache line of `p`, to be written soon, and does not wait.
HAK_FAST void hak_fetch_for_write(const void *p)
{
#if defined(__x86_64__)
    // Compilers fetch it for reading unless told of the processor, and it would be asked for twice.
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
    __builtin_prefetch(p, 1);
#endif
}

HAK_FAST unsigned hak_popcount64(uint64_t word)
{
#if defined(__x86_64__) && !defined(__POPCNT__)
    // The compiler would call libgcc.  Counts in pairs, in fours, in bytes; the product sums bytes.
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(word * 0x0101010101010101 >> 56);
#else
    return (unsigned)__builtin_popcountll(word);
#endif
}

// Bits 0 to count - 1.  Pre: count <= 64.
HAK_FAST uint64_t hak_bits_below64(unsigned count)
{
    return count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
}

#endif
