/* hakmem: a general-purpose allocator for Linux.
 *
 * These names never replace libc's: a program may use malloc and hak_alloc side by side, as long as
 * each block goes back to the allocator it came from.  (In a process where hakmem also serves
 * malloc, the two are the same allocator and blocks may be mixed.)
 *
 * Common to all functions.
 *   Threads: every function may be called from any thread; a block may be freed by any thread.
 *   Errors:  an allocation that cannot be made returns NULL, sets errno to ENOMEM and changes
 *            nothing.  Sizes above PTRDIFF_MAX are refused the same way.  Freeing a pointer that is
 *            not a live block ends the process with one line on stderr.
 *   Alignment: 16 bytes for requests of 9 bytes or more, 8 bytes below that.
 */
#ifndef HAKMEM_HAKMEM_H
#define HAKMEM_HAKMEM_H

#include <hakmem/version.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HAKMEM_API __attribute__((visibility("default"), nothrow))
#define HAKMEM_SIZED(...) __attribute__((alloc_size(__VA_ARGS__), warn_unused_result))
#define HAKMEM_NEW __attribute__((malloc))
#else
#define HAKMEM_API
#define HAKMEM_SIZED(...)
#define HAKMEM_NEW
#endif

/* A block of at least `bytes` bytes, contents unspecified.  0 bytes give a unique pointer. */
HAKMEM_API void *hak_alloc(size_t bytes) HAKMEM_SIZED(1) HAKMEM_NEW;

/* `count` elements of `bytes` bytes each, all zero.  An overflowing product is ENOMEM. */
HAKMEM_API void *hak_calloc(size_t count, size_t bytes) HAKMEM_SIZED(1, 2) HAKMEM_NEW;

/* Resizes `p` (NULL: as hak_alloc), keeping its contents up to the smaller size.  The block may
 * move.  `bytes` == 0 frees `p` and returns NULL.  On ENOMEM `p` stays as it was. */
HAKMEM_API void *hak_realloc(void *p, size_t bytes) HAKMEM_SIZED(2);

/* Gives a block back; NULL is ignored.  errno is preserved. */
HAKMEM_API void hak_free(void *p);

/* The same for a caller that knows the size it asked for (or any size up to hak_usable_size(p)). */
HAKMEM_API void hak_free_sized(void *p, size_t bytes);

/* A block of at least `bytes` bytes, aligned to `alignment`: a power of two up to 1 GiB.
 * Other alignments return NULL with EINVAL. */
HAKMEM_API void *hak_aligned_alloc(size_t alignment, size_t bytes) HAKMEM_SIZED(2) HAKMEM_NEW;

/* Bytes that may be used at `p`: at least what was asked for, and stable while the block lives.
 * 0 for NULL. */
HAKMEM_API size_t hak_usable_size(const void *p);

/* The usable size a request of `bytes` would get; asking for exactly that wastes nothing.
 * Returns `bytes` itself where no block of that size can exist. */
HAKMEM_API size_t hak_good_size(size_t bytes);

/* Why a request was refused. */
enum hak_refusal {
    HAK_REFUSAL_NONE,   /* none was */
    HAK_REFUSAL_SIZE,   /* more than PTRDIFF_MAX bytes, or the product overflows */
    HAK_REFUSAL_LIMIT,  /* HAKMEM_LIMIT, or the control group's with HAKMEM_LIMIT=auto */
    HAK_REFUSAL_KERNEL, /* the kernel: no memory, RLIMIT_AS, number of mappings */
};

/* The reason of the last request, in any thread, that returned NULL with ENOMEM. */
HAKMEM_API enum hak_refusal hak_last_refusal(void);

/* "MAJOR.MINOR.PATCH" of the library in use. */
HAKMEM_API const char *hak_version(void);

#ifdef __cplusplus
}
#endif
#endif
