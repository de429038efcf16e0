// The hak_* names.
#include "hak_serve.h"

#include <errno.h>
#include <hakmem/hakmem.h>

HAK_EXPORT void *hak_alloc(size_t bytes)
{
    return hak_serve_alloc(bytes);
}

HAK_EXPORT void *hak_calloc(size_t count, size_t bytes)
{
    return hak_serve_calloc(count, bytes);
}

HAK_EXPORT void *hak_realloc(void *p, size_t bytes)
{
    return hak_serve_realloc(p, bytes);
}

HAK_EXPORT void hak_free(void *p)
{
    hak_serve_free(p);
}

HAK_EXPORT void hak_free_sized(void *p, size_t bytes)
{
    hak_serve_free_sized(p, 1, bytes);
}

HAK_EXPORT void *hak_aligned_alloc(size_t alignment, size_t bytes)
{
    if (!hak_is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return hak_serve_aligned(alignment, bytes);
}

HAK_EXPORT size_t hak_usable_size(const void *p)
{
    return hak_serve_usable(p);
}

HAK_EXPORT size_t hak_good_size(size_t bytes)
{
    return hak_serve_good_size(bytes);
}

HAK_EXPORT enum hak_refusal hak_last_refusal(void)
{
    return hak_core_last_refusal();
}

HAK_EXPORT const char *hak_version(void)
{
    return HAKMEM_VERSION;
}
