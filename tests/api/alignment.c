// Alignments, usual and odd.
#define _GNU_SOURCE
#include "api_test.h"

void odd_alignments(void)
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

void posix_memalign_arguments(void)
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

void every_power_of_two(void)
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
void aligned_blocks_live_on(void)
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

void malloc_alignment(void)
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
