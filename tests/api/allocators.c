// Every allocating name with every interesting size; zero, NULL and errno.
#define _GNU_SOURCE
#include "api_test.h"

static size_t page_up(size_t n)
{
    return (n + 4095) & ~(size_t)4095;
}

static void *by_calloc_count(size_t n)
{
    return calloc(n, 1);
}
static void *by_calloc_bytes(size_t n)
{
    return calloc(1, n);
}
static void *by_realloc_null(size_t n)
{
    return realloc(NULL, n);
}
static void *by_reallocarray(size_t n)
{
    return reallocarray(NULL, n, 1);
}
static void *by_aligned_16(size_t n)
{
    return aligned_alloc(16, n);
}
static void *by_aligned_64(size_t n)
{
    return aligned_alloc(64, n);
}
static void *by_aligned_1g(size_t n)
{
    return aligned_alloc((size_t)1 << 30, n);
}
static void *by_memalign_128k(size_t n)
{
    return memalign((size_t)1 << 17, n);
}
static void *by_libc_calloc(size_t n)
{
    return __libc_calloc(1, n);
}
static void *by_libc_realloc(size_t n)
{
    return __libc_realloc(NULL, n);
}
static void *by_libc_memalign(size_t n)
{
    return __libc_memalign(32, n);
}

static void *by_posix_memalign(size_t n)
{
    void *p = NULL;
    const int error = posix_memalign(&p, 256, n);
    if (error)
        errno = error; // POSIX: the result is the error, errno may be anything
    return p;
}

// realloc and reallocarray of a live block: whichever block remains must hold what the old one
// held.
static void *keep_or_move(void *(*move)(void *, size_t), size_t n)
{
    unsigned char *old = malloc(100);
    fill(old, 100);
    errno = UNTOUCHED;
    unsigned char *p = move(old, n);
    const int error = errno;
    if (p && !holds(p, n < 100 ? n : 100))
        puts("CONTENTS LOST in the next entry");
    if (!p && n && !holds(old, 100))
        puts("OLD BLOCK LOST in the next entry");
    if (!p && n)
        free(old);
    errno = error;
    return p;
}
static void *array_of_one(void *p, size_t n)
{
    return reallocarray(p, n, 1);
}
static void *by_realloc(size_t n)
{
    return keep_or_move(realloc, n);
}
static void *by_reallocarray_live(size_t n)
{
    return keep_or_move(array_of_one, n);
}

static const struct {
    const char *name;
    void *(*call)(size_t);
    size_t alignment;
} allocators[] = {
    {"malloc", malloc, 8},
    {"calloc(n, 1)", by_calloc_count, 8},
    {"calloc(1, n)", by_calloc_bytes, 8},
    {"realloc(NULL, n)", by_realloc_null, 8},
    {"realloc(p, n)", by_realloc, 8},
    {"reallocarray(NULL, n, 1)", by_reallocarray, 8},
    {"reallocarray(p, n, 1)", by_reallocarray_live, 8},
    {"aligned_alloc(16, n)", by_aligned_16, 16},
    {"aligned_alloc(64, n)", by_aligned_64, 64},
    {"aligned_alloc(1 GiB, n)", by_aligned_1g, (size_t)1 << 30},
    {"posix_memalign(256, n)", by_posix_memalign, 256},
    {"memalign(128 KiB, n)", by_memalign_128k, (size_t)1 << 17},
    {"valloc", valloc, 4096},
    {"pvalloc", pvalloc, 4096},
    {"__libc_malloc", __libc_malloc, 8},
    {"__libc_calloc", by_libc_calloc, 8},
    {"__libc_realloc", by_libc_realloc, 8},
    {"__libc_memalign(32, n)", by_libc_memalign, 32},
    {"__libc_valloc", __libc_valloc, 4096},
    {"__libc_pvalloc", __libc_pvalloc, 4096},
};

void every_allocator_every_size(void)
{
    for (size_t a = 0; a < COUNT(allocators); a++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            const size_t n = sizes[s];
            char entry[80];
            snprintf(entry, sizeof entry, "%s n=%zu", allocators[a].name, n);
            errno = UNTOUCHED;
            void *p = allocators[a].call(n);
            const bool whole_pages = p && strstr(allocators[a].name, "pvalloc");
            result(entry, p, allocators[a].alignment, whole_pages ? page_up(n) : n);
        }
}

void products_that_overflow(void)
{
    const size_t half = v((size_t)1 << 32), third = v(SIZE_MAX / 3 + 2);
    SEE(calloc(half, half), 8, 0);
    SEE(calloc(third, 3), 8, 0);
    SEE(calloc(3, third), 8, 0);
    SEE(calloc(half, half / 2), 8, 0); // PTRDIFF_MAX + 1: no overflow, still too large
    SEE(calloc(0, v(SIZE_MAX)), 8, 0);
    SEE(calloc(v(SIZE_MAX), 0), 8, 0);
    SEE(reallocarray(NULL, half, half), 8, 0);
    SEE(reallocarray(NULL, third, 3), 8, 0);
    SEE(reallocarray(NULL, 10, 10), 8, 100);
    SEE(reallocarray(NULL, 0, v(SIZE_MAX)), 8, 0);
    unsigned char *p = malloc(100);
    fill(p, 100);
    errno = UNTOUCHED;
    void *q = reallocarray(p, half, half);
    show("reallocarray(p, 2^32, 2^32)", "%s errno=%d %s", q ? "block" : "NULL", errno,
         holds(p, 100) ? "kept" : "LOST");
    free(p);
}

void zero_and_null(void)
{
    char *a = malloc(0), *b = malloc(0), *c = calloc(0, 0), *d = realloc(NULL, 0);
    show("malloc(0) is unique", "%d", a && b && c && d && a != b && b != c && c != d && a != d);
    free(a), free(b), free(c), free(d);
    SEE(realloc(malloc(10), 0), 8, 0);
    SEE(realloc(malloc(100000), 0), 8, 0);
    SEE(realloc(malloc(4 << 20), 0), 8, 0);
    SEE(reallocarray(malloc(10), 0, 10), 8, 0);
    SEE(reallocarray(malloc(10), 10, 0), 8, 0);
    SEE(__libc_realloc(malloc(10), 0), 8, 0);
    errno = UNTOUCHED;
    free(NULL);
    __libc_free(NULL);
    show("free(NULL)", "errno=%d", errno);
    __libc_free(malloc(10));
    show("__libc_free(malloc(10))", "errno=%d", errno);
    show("malloc_usable_size(NULL)", "%zu", malloc_usable_size(NULL));
}
