// 16 bytes for every request of 9 bytes or more, whatever the build; every power of two on request.
#include "expect.h"

#include <hakmem/hakmem.h>
#include <stdint.h>
#include <string.h>

enum { KEPT = 40 };

static void check_plain(size_t bytes)
{
    void *blocks[KEPT];
    for (int i = 0; i < KEPT; i++) {
        blocks[i] = hak_alloc(bytes);
        EXPECT(blocks[i] != NULL, "%zu bytes", bytes);
        EXPECT((uintptr_t)blocks[i] % (bytes > 8 ? 16 : 8) == 0, "%zu bytes: %p", bytes, blocks[i]);
        EXPECT(hak_usable_size(blocks[i]) >= bytes, "%zu bytes", bytes);
        memset(blocks[i], i, bytes < 65536 ? bytes : 65536);
    }
    for (int i = 0; i < KEPT; i++) {
        EXPECT(bytes == 0 || *(unsigned char *)blocks[i] == i, "%zu bytes: overlap", bytes);
        hak_free(blocks[i]);
    }
}

static void check_aligned(size_t alignment, size_t bytes)
{
    char *p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = hak_aligned_alloc(alignment, bytes);
        EXPECT(p[i] != NULL, "%zu bytes at %zu", bytes, alignment);
        EXPECT((uintptr_t)p[i] % alignment == 0, "%zu bytes at %zu: %p", bytes, alignment,
               (void *)p[i]);
        EXPECT(hak_usable_size(p[i]) >= bytes, "%zu bytes at %zu", bytes, alignment);
        if (bytes > 0)
            p[i][0] = p[i][bytes - 1] = 1;
    }
    for (int i = 0; i < 3; i++)
        hak_free(p[i]);
}

int main(void)
{
    volatile size_t huge = SIZE_MAX - 10; // volatile: the compiler would warn
    for (size_t bytes = 0; bytes <= 5000; bytes++)
        check_plain(bytes);
    for (size_t bytes = 5000; bytes <= 2 * 1024 * 1024; bytes += bytes / 13)
        check_plain(bytes);
    for (size_t alignment = 1; alignment <= (size_t)1 << 30; alignment *= 2) {
        for (size_t bytes = 0; bytes <= 3 * 1024 * 1024; bytes += bytes / 2 + 1)
            check_aligned(alignment, bytes);
    }
    EXPECT(hak_aligned_alloc(48, 10) == NULL && hak_aligned_alloc(0, 10) == NULL, "bad alignment");
    EXPECT(hak_aligned_alloc(64, huge) == NULL, "too large");
    return 0;
}
