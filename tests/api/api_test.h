// What the parts of hak_test_api.c share: observations, and blocks with known contents.
#pragma once
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);
void *__libc_memalign(size_t alignment, size_t n);
void *__libc_valloc(size_t n);
void *__libc_pvalloc(size_t n);

enum { UNTOUCHED = 77 }; // errno before every call

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POW2_MAX (SIZE_MAX / 2 + 1)

static inline void show(const char *entry, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s\t", entry);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static inline bool aligned(const void *p, size_t alignment)
{
    return ((uintptr_t)p & (alignment - 1)) == 0;
}

static inline unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) + 1);
}

static inline void fill(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
}

static inline bool holds(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != pattern(i))
            return false;
    return true;
}

static inline bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

// Describe what a call returned, then free it. Reads errno first: the call has just been made.
static inline void result(const char *entry, void *p, size_t alignment, size_t n)
{
    const int error = errno;
    if (!p) {
        show(entry, "NULL errno=%d", error);
        return;
    }
    const bool fits = malloc_usable_size(p) >= n;
    volatile char *bytes = p;
    if (n)
        bytes[0] = bytes[n - 1] = 1;
    errno = UNTOUCHED + 1;
    free(p);
    show(entry, "block errno=%d%s%s%s", error, aligned(p, alignment) ? "" : " MISALIGNED",
         fits ? "" : " TOO SMALL", errno == UNTOUCHED + 1 ? "" : " free() CHANGED errno");
}

// The compiler must not know the value: it would complain about these calls, or crash (clang 14).
static inline size_t v(size_t n)
{
    volatile size_t hidden = n;
    return hidden;
}

#define SEE(call, alignment, n) (errno = UNTOUCHED, result(#call, (call), alignment, n))

// The alignment that malloc owes a block of n bytes.
static inline size_t alignment_due(size_t n)
{
    return n >= 16 ? 16 : 8;
}

static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 24, 100, 1024, 2048, 2049, 4097, 40000,
                               65536, 524288, 524289, 5 << 20,
                               // from here on: impossible
                               PTRDIFF_MAX - 4096, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                               SIZE_MAX - ((size_t)1 << 30), SIZE_MAX - 8192, SIZE_MAX - 4096,
                               SIZE_MAX - 64, SIZE_MAX - 15, SIZE_MAX - 1, SIZE_MAX};

// The parts.
void every_allocator_every_size(void);
void products_that_overflow(void);
void zero_and_null(void);
void odd_alignments(void);
void posix_memalign_arguments(void);
void every_power_of_two(void);
void aligned_blocks_live_on(void);
void malloc_alignment(void);
void realloc_contents(void);
void calloc_after_dirt(void);
void ext_frees(void);
void ext_reallocarr(void);
void reports_and_knobs(void);
