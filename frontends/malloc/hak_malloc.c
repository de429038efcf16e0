// The libc names, with glibc 2.36's semantics and errno.
#include "hak_serve.h"
#include "hak_os_boundary.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

// Some of these names have a prototype in no header.
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

HAK_EXPORT void *malloc(size_t bytes)
{
    return hak_serve_alloc(bytes);
}

HAK_EXPORT void free(void *p)
{
    hak_serve_free(p);
}

HAK_EXPORT void *calloc(size_t count, size_t bytes)
{
    return hak_serve_calloc(count, bytes);
}

HAK_EXPORT void *realloc(void *p, size_t bytes)
{
    return hak_serve_realloc(p, bytes);
}

HAK_EXPORT void *reallocarray(void *p, size_t count, size_t bytes)
{
    size_t total;
    bool overflows = __builtin_mul_overflow(count, bytes, &total);
    return realloc(p, overflows ? SIZE_MAX : total); // which nobody has
}

// NetBSD's: resizes *(void **)place.  Returns 0 or an error number; errno is left alone.
HAK_EXPORT int reallocarr(void *place, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return EOVERFLOW;
    int saved_errno = errno;
    void **block = place;
    void *moved = realloc(*block, total);
    errno = saved_errno;
    if (moved == NULL && total != 0)
        return ENOMEM;
    *block = moved;
    return 0;
}

// Any alignment counts as the next power of two, as in glibc before 2.38.
HAK_EXPORT void *memalign(size_t alignment, size_t bytes)
{
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    size_t power = alignment <= 16 ? 16 : (size_t)2 << HAK_LOG2(alignment - 1);
    return hak_serve_aligned(power, bytes);
}

HAK_EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

HAK_EXPORT int posix_memalign(void **ret_block, size_t alignment, size_t bytes)
{
    if (alignment % sizeof(void *) != 0 || !hak_is_power_of_two(alignment))
        return EINVAL;
    void *block = memalign(alignment, bytes);
    if (block == NULL)
        return ENOMEM;
    *ret_block = block;
    return 0;
}

HAK_EXPORT void *valloc(size_t bytes)
{
    return memalign(hak_os_page_bytes(), bytes);
}

HAK_EXPORT void *pvalloc(size_t bytes)
{
    size_t page = hak_os_page_bytes();
    return memalign(page, bytes <= PTRDIFF_MAX ? hak_round_up(bytes, page) : bytes);
}

HAK_EXPORT void cfree(void *p)
{
    hak_serve_free(p);
}

HAK_EXPORT void free_sized(void *p, size_t bytes)
{
    hak_serve_free_sized(p, 1, bytes);
}

HAK_EXPORT void free_aligned_sized(void *p, size_t alignment, size_t bytes)
{
    hak_serve_free_sized(p, alignment, bytes);
}

HAK_EXPORT size_t malloc_usable_size(void *p)
{
    return hak_serve_usable(p);
}

HAK_EXPORT int malloc_trim(size_t pad)
{
    (void)pad; // a hint for a heap with a top, which this is not
    return hak_serve_trim() > 0;
}

HAK_ALIAS(malloc) void *__libc_malloc(size_t bytes);
HAK_ALIAS(free) void __libc_free(void *p);
HAK_ALIAS(calloc) void *__libc_calloc(size_t count, size_t bytes);
HAK_ALIAS(realloc) void *__libc_realloc(void *p, size_t bytes);
HAK_ALIAS(memalign) void *__libc_memalign(size_t alignment, size_t bytes);
HAK_ALIAS(valloc) void *__libc_valloc(size_t bytes);
HAK_ALIAS(pvalloc) void *__libc_pvalloc(size_t bytes);
