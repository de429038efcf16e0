// What is in a block after realloc and calloc.
#define _GNU_SOURCE
#include "api_test.h"

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

void realloc_contents(void)
{
    size_t bytes[256], bad = 0;
    const size_t count = boundaries(bytes);
    for (size_t stride = 1; stride <= 16; stride += 3) {
        free(move_in_steps(NULL, bytes, count, true, stride, &bad));
        free(move_in_steps(NULL, bytes, count, false, stride, &bad));
    }
    show("realloc: contents and alignment over every class boundary", "%zu bad", bad);
}

void calloc_after_dirt(void)
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
