// What every libc allocation name does, one observation a line: "entry<TAB>what was seen".
// Run on glibc and on hakmem; compare_api.py wants the same lines. Entries that begin with "ext "
// are names glibc 2.36 lacks: they print "ok", a complaint, or "absent".
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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

static void show(const char *entry, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s\t", entry);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static bool aligned(const void *p, size_t alignment)
{
    return ((uintptr_t)p & (alignment - 1)) == 0;
}

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) + 1);
}

static void fill(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
}

static bool holds(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != pattern(i))
            return false;
    return true;
}

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

// Describe what a call returned, then free it. Reads errno first: the call has just been made.
static void result(const char *entry, void *p, size_t alignment, size_t n)
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
static size_t v(size_t n)
{
    volatile size_t hidden = n;
    return hidden;
}

#define SEE(call, alignment, n) (errno = UNTOUCHED, result(#call, (call), alignment, n))

// --- every allocating name, every interesting size ---------------------------------------------

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

static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 24, 100, 1024, 2048, 2049, 4097, 40000,
                               65536, 524288, 524289, 5 << 20,
                               // from here on: impossible
                               PTRDIFF_MAX - 4096, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                               SIZE_MAX - ((size_t)1 << 30), SIZE_MAX - 8192, SIZE_MAX - 4096,
                               SIZE_MAX - 64, SIZE_MAX - 15, SIZE_MAX - 1, SIZE_MAX};

static void every_allocator_every_size(void)
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

static void products_that_overflow(void)
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

// --- zero, NULL, errno ---------------------------------------------------------------------------

static void zero_and_null(void)
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

// --- alignment -----------------------------------------------------------------------------------

static void odd_alignments(void)
{
    SEE(memalign(v(48), 100), 64, 100);
    SEE(memalign(v(3), 100), 16, 100);
    SEE(memalign(v(0), 100), 16, 100);
    SEE(memalign(v(65), 5000), 128, 5000);
    SEE(memalign(v(100000), 5000), 131072, 5000);
    SEE(aligned_alloc(v(48), 100), 64, 100); // glibc 2.36: the same function as memalign
    SEE(aligned_alloc(v(0), 100), 16, 100);
    SEE(aligned_alloc(v(64), 100), 64, 100); // size no multiple of the alignment
    SEE(aligned_alloc(v(4096), 1), 4096, 1);
    SEE(aligned_alloc(v(4096), 0), 4096, 0);
    SEE(memalign(v((size_t)1 << 62), 1), 8, 0);
    SEE(memalign(v(POW2_MAX), 1), 8, 0);
    SEE(memalign(v(POW2_MAX), v(POW2_MAX)), 8, 0);
    SEE(memalign(v(POW2_MAX + 1), 1), 8, 0);
    SEE(memalign(v(SIZE_MAX), 1), 8, 0);
    SEE(memalign(v(SIZE_MAX), v(SIZE_MAX)), 8, 0);
    SEE(aligned_alloc(v(SIZE_MAX), 1), 8, 0);
    SEE(__libc_memalign(v(48), 100), 64, 100);
    SEE(memalign((size_t)1 << 30, PTRDIFF_MAX - (1 << 20)), 8, 0);
}

static void posix_memalign_arguments(void)
{
    const size_t alignments[] = {
        0, 1, 2, 4, 8, 16, 24, 48, 96, 4096, 4097, (size_t)1 << 62, POW2_MAX, SIZE_MAX};
    const size_t bytes[] = {0, 100, (size_t)PTRDIFF_MAX + 1, SIZE_MAX};
    for (size_t a = 0; a < COUNT(alignments); a++)
        for (size_t b = 0; b < COUNT(bytes); b++) {
            char here;
            void *const before = &here, *p = before;
            char entry[80];
            snprintf(entry, sizeof entry, "posix_memalign(%zu, %zu)", alignments[a], bytes[b]);
            const int error = posix_memalign(&p, alignments[a], bytes[b]);
            show(entry, "%d %s", error,
                 p == before                 ? "pointer untouched"
                 : aligned(p, alignments[a]) ? "aligned"
                                             : "MISALIGNED");
            if (p != before)
                free(p);
        }
}

static void every_power_of_two(void)
{
    for (size_t a = 1; a <= (size_t)1 << 30; a *= 2) {
        const size_t bytes[] = {1, 100, 3000, 70000, a, a + 1};
        for (size_t b = 0; b < COUNT(bytes); b++) {
            char entry[80];
            const size_t n = bytes[b];
            snprintf(entry, sizeof entry, "memalign(%zu, %zu)", a, n);
            errno = UNTOUCHED;
            result(entry, memalign(a, n), a, n);
            snprintf(entry, sizeof entry, "aligned_alloc(%zu, %zu)", a, n);
            errno = UNTOUCHED;
            result(entry, aligned_alloc(a, n), a, n);
            void *p = NULL;
            snprintf(entry, sizeof entry, "posix_memalign(&p, %zu, %zu)", a, n);
            errno = UNTOUCHED;
            if (posix_memalign(&p, a, n))
                errno = EINVAL; // below sizeof(void *)
            result(entry, p, a, n);
        }
    }
}

// Aligned blocks stay ordinary blocks: contents survive realloc, and many live side by side.
static void aligned_blocks_live_on(void)
{
    bool ok = true;
    unsigned char *p[64];
    for (size_t a = 16; a <= 1 << 20; a *= 2) {
        for (size_t i = 0; i < COUNT(p); i++) {
            p[i] = memalign(a, 40 + i * 50);
            ok &= p[i] && aligned(p[i], a);
            fill(p[i], 40 + i * 50);
        }
        for (size_t i = 0; i < COUNT(p); i++) {
            ok &= holds(p[i], 40 + i * 50);
            p[i] = realloc(p[i], 4000 + i);
            ok &= holds(p[i], 40 + i * 50);
            free(p[i]);
        }
    }
    show("aligned blocks keep their contents", "%d", ok);
}

static size_t alignment_due(size_t n)
{
    return n >= 16 ? 16 : 8;
}

static void malloc_alignment(void)
{
    void *live[64] = {0};
    size_t bad = 0, turn = 0;
    for (size_t n = 0; n <= (size_t)4 << 20; n += n < 70000 ? 1 : 4093)
        for (int again = 0; again < 3; again++, turn++) {
            void **slot = &live[turn % COUNT(live)];
            free(*slot);
            *slot = malloc(n);
            if (!aligned(*slot, alignment_due(n)) || malloc_usable_size(*slot) < n)
                bad++;
        }
    for (size_t i = 0; i < COUNT(live); i++)
        free(live[i]);
    show("malloc: alignment and room for 0..70000, steps to 4 MiB", "%zu bad", bad);
}

// --- contents ------------------------------------------------------------------------------------

// The sizes just below, at and above every class boundary up to 8 MiB.
static size_t boundaries(size_t *ret_sizes)
{
    size_t count = 0;
    for (size_t power = 8; power <= (size_t)4 << 20; power *= 2)
        for (size_t quarter = 0; quarter < 4; quarter++)
            for (size_t near = 0; near < 3; near++)
                ret_sizes[count++] = power + quarter * (power / 4) + near - 1;
    return count;
}

static void *move_in_steps(void *p, const size_t *bytes, size_t count, bool up, size_t stride,
                           size_t *ret_bad)
{
    size_t old = 0;
    for (size_t i = 0; i < count; i += stride) {
        const size_t n = bytes[up ? i : count - 1 - i];
        p = realloc(p, n);
        if (!p || !holds(p, old < n ? old : n) || !aligned(p, alignment_due(n)))
            ++*ret_bad;
        fill(p, n);
        old = n;
    }
    return p;
}

static void realloc_contents(void)
{
    size_t bytes[256], bad = 0;
    const size_t count = boundaries(bytes);
    for (size_t stride = 1; stride <= 16; stride += 3) {
        free(move_in_steps(NULL, bytes, count, true, stride, &bad));
        free(move_in_steps(NULL, bytes, count, false, stride, &bad));
    }
    show("realloc: contents and alignment over every class boundary", "%zu bad", bad);
}

static void calloc_after_dirt(void)
{
    size_t bytes[256], bad = 0;
    const size_t count = boundaries(bytes);
    for (size_t i = 0; i < count; i++) {
        const size_t n = bytes[i], many = n < 4096 ? 64 : n < 100000 ? 8 : 2;
        unsigned char *p[64];
        for (size_t k = 0; k < many; k++)
            memset(p[k] = malloc(n), 0xff, n);
        for (size_t k = 0; k < many; k++)
            free(p[k]);
        for (size_t k = 0; k < many; k++) {
            p[k] = k % 2 ? calloc(n, 1) : calloc(1, n);
            bad += !all_zero(p[k], n);
        }
        for (size_t k = 0; k < many; k++)
            free(p[k]);
    }
    show("calloc: zero after dirt", "%zu bad", bad);
}

// --- the names that report and tune --------------------------------------------------------------

static void malloc_info_text(void)
{
    char text[64] = "";
    char *all = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&all, &bytes);
    const int answer = malloc_info(0, stream);
    fclose(stream);
    snprintf(text, sizeof text, "%s", all);
    show("malloc_info(0, stream)", "%d opens=%d closes=%d", answer,
         strncmp(text, "<malloc version=", 16) == 0, strstr(all, "</malloc>") != NULL);
    free(all);
    show("malloc_info(1, stream)", "%d", malloc_info(1, stdout));
}

static void malloc_stats_returns(void)
{
    const int kept = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    malloc_stats();
    dup2(kept, 2);
    close(kept), close(null);
    show("malloc_stats()", "returned");
}

static void reports_and_knobs(void)
{
    char *live = malloc(1 << 20);
    struct mallinfo2 info = mallinfo2();
    show("mallinfo2() counts a live MiB", "%d", info.uordblks + info.hblkhd >= 1 << 20);
    struct mallinfo old = mallinfo();
    show("mallinfo() counts a live MiB", "%d", old.uordblks + old.hblkhd >= 1 << 20);
    free(live);
    const int trimmed = malloc_trim(0);
    show("malloc_trim(0)", "%s", trimmed == 0 || trimmed == 1 ? "0 or 1" : "ODD");
    malloc_info_text();
    malloc_stats_returns();
    const int knobs[][2] = {{M_ARENA_MAX, 2},
                            {M_ARENA_TEST, 2},
                            {M_MMAP_MAX, 65536},
                            {M_MMAP_THRESHOLD, 1 << 20},
                            {M_MMAP_THRESHOLD, 1 << 30},
                            {M_MXFAST, 64},
                            {M_MXFAST, 1 << 20},
                            {M_TOP_PAD, 0},
                            {M_TRIM_THRESHOLD, 1 << 20},
                            {M_PERTURB, 0},
                            {12345, 1}};
    for (size_t i = 0; i < COUNT(knobs); i++) {
        char entry[80];
        snprintf(entry, sizeof entry, "mallopt(%d, %d)", knobs[i][0], knobs[i][1]);
        show(entry, "%d", mallopt(knobs[i][0], knobs[i][1]));
    }
}

// --- names glibc 2.36 does not have --------------------------------------------------------------

// Store the address of `name` in the function pointer `ret_function`; POSIX allows it, ISO C has no
// way.
static void find(const char *name, void *ret_function)
{
    char entry[80];
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(ret_function, &address, sizeof address);
    snprintf(entry, sizeof entry, "ext %s", name);
    if (!address)
        show(entry, "absent");
}

static void ext_frees(void)
{
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    void (*cfree)(void *);
    find("free_sized", &free_sized);
    find("free_aligned_sized", &free_aligned_sized);
    find("cfree", &cfree);
    errno = UNTOUCHED;
    for (size_t s = 0; sizes[s] <= 5 << 20; s++) {
        const size_t n = sizes[s];
        if (free_sized)
            free_sized(malloc(n), n), free_sized(calloc(1, n), n), free_sized(NULL, n);
        for (size_t a = 8; free_aligned_sized && a <= 1 << 21; a *= 2)
            free_aligned_sized(aligned_alloc(a, n), a, n), free_aligned_sized(NULL, a, n);
        if (cfree)
            cfree(malloc(n)), cfree(NULL);
    }
    const char *seen = errno == UNTOUCHED ? "ok" : "errno CHANGED";
    if (free_sized)
        show("ext free_sized", "%s", seen);
    if (free_aligned_sized)
        show("ext free_aligned_sized", "%s", seen);
    if (cfree)
        show("ext cfree", "%s", seen);
}

// reallocarr(3) of NetBSD: the answer is 0 or an error number, errno stays, and *p is written on
// success only; a product of zero frees.
static void ext_reallocarr(void)
{
    int (*reallocarr)(void *, size_t, size_t);
    find("reallocarr", &reallocarr);
    if (!reallocarr)
        return;
    unsigned char *p = NULL, *old;
    errno = UNTOUCHED;
    bool ok = reallocarr(&p, 10, 10) == 0 && p;
    fill(p, 100);
    old = p;
    show("ext reallocarr overflow", "%s",
         reallocarr(&p, SIZE_MAX / 2, 3) == EOVERFLOW && p == old ? "ok" : "want EOVERFLOW");
    show("ext reallocarr too large", "%s",
         reallocarr(&p, PTRDIFF_MAX, 1) == ENOMEM && p == old ? "ok" : "want ENOMEM");
    ok &= reallocarr(&p, 1000, 100) == 0 && holds(p, 100);
    show("ext reallocarr", "%s", ok ? "ok" : "FAILED");
    show("ext reallocarr zero", "%s",
         reallocarr(&p, 0, 8) == 0 && !p ? "ok" : "want a NULL pointer");
    show("ext reallocarr errno", "%s", errno == UNTOUCHED ? "ok" : "CHANGED");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // a crash loses no line
    every_allocator_every_size();
    products_that_overflow();
    zero_and_null();
    odd_alignments();
    posix_memalign_arguments();
    every_power_of_two();
    aligned_blocks_live_on();
    malloc_alignment();
    realloc_contents();
    calloc_after_dirt();
    ext_frees();
    ext_reallocarr();
    reports_and_knobs();
}
