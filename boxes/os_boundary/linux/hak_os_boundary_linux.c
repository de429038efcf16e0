// The boundary over Linux: raw system calls, so that other interposers cannot re-enter us.
#include "hak_os_boundary.h"
#include "hak_os_advise.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// The near end of the last aligned mapping, or of one beyond it.  The kernel places mappings
// top-down, or upwards where the stack is unlimited, so asking for the neighbouring address keeps
// them aligned with one call each.
static _Atomic uintptr_t xhint;
static _Atomic bool xupwards;

// Reserved addresses lie this far below the others, which so stay neighbours; or below the last
// ones.
static const uintptr_t RESERVE_DISTANCE = (uintptr_t)1 << 40;
static _Atomic uintptr_t xreserved;

static void *map_uncounted(void *hint, size_t bytes, int protection)
{
    int saved_errno = errno;
    hak_os_count_call(HAK_OS_MAP);
    long p = syscall(SYS_mmap, hint, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    errno = saved_errno;
    if (p == -1) {
        hak_os_count_refusal();
        return NULL;
    }
    return (void *)p; // NOLINT(performance-no-int-to-ptr): what mmap returns
}

static void *map_at(void *hint, size_t bytes)
{
    void *p = map_uncounted(hint, bytes, PROT_READ | PROT_WRITE);
    if (p != NULL)
        hak_os_count_bytes(bytes, 0);
    return p;
}

// Not writable: the kernel charges nothing for such a mapping, and mlockall fills it with the one
// page of zeros at most.
void *hak_os_reserve(size_t bytes, bool readable)
{
    uintptr_t below = atomic_load_explicit(&xreserved, memory_order_relaxed);
    uintptr_t mapped = atomic_load_explicit(&xhint, memory_order_relaxed);
    if (below == 0 && mapped > RESERVE_DISTANCE)
        below = mapped - RESERVE_DISTANCE;
    uintptr_t place = below > bytes ? (below - bytes) & ~(hak_os_page_bytes() - 1) : 0;
    void *p = map_uncounted((void *)place, bytes, readable ? PROT_READ : PROT_NONE);
    if (p != NULL)
        atomic_store_explicit(&xreserved, (uintptr_t)p, memory_order_relaxed);
    return p;
}

bool hak_os_protect(void *p, size_t bytes, bool accessible)
{
    int saved_errno = errno;
    hak_os_count_call(HAK_OS_MAP);
    int protection = accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
    bool done = syscall(SYS_mprotect, p, bytes, protection) == 0;
    errno = saved_errno;
    return done;
}

bool hak_os_commit(void *p, size_t bytes)
{
    if (!hak_os_limit_allows(bytes))
        return false;
    bool done = hak_os_protect(p, bytes, true);
    if (done)
        hak_os_count_bytes(bytes, 0);
    else
        hak_os_count_refusal();
    return done;
}

static bool unmap_uncounted(void *p, size_t bytes)
{
    int saved_errno = errno;
    hak_os_count_call(HAK_OS_UNMAP);
    bool done = syscall(SYS_munmap, p, bytes) == 0;
    errno = saved_errno;
    return done;
}

void hak_os_unreserve(void *p, size_t bytes)
{
    (void)unmap_uncounted(p, bytes); // else the addresses go to waste
}

bool hak_os_unmap(void *p, size_t bytes)
{
    bool done = unmap_uncounted(p, bytes);
    if (done)
        hak_os_count_bytes(0, bytes);
    return done;
}

// Over-reserves once and trims both ends.  A trim that the kernel refuses only wastes addresses.
static void *map_and_trim(size_t bytes, size_t alignment)
{
    if (bytes + alignment < bytes || !hak_os_limit_allows(bytes + alignment))
        return NULL;
    char *raw = map_at(NULL, bytes + alignment);
    if (raw == NULL)
        return NULL;
    char *aligned = (char *)hak_round_up((uintptr_t)raw, alignment);
    size_t head = (size_t)(aligned - raw);
    if (head > 0)
        hak_os_unmap(raw, head);
    if (alignment - head > 0)
        hak_os_unmap(aligned + bytes, alignment - head);
    return aligned;
}

static void remember(char *p, size_t bytes, bool upwards)
{
    atomic_store_explicit(&xupwards, upwards, memory_order_relaxed);
    atomic_store_explicit(&xhint, (uintptr_t)(upwards ? p + bytes : p), memory_order_relaxed);
}

void *hak_os_map(size_t bytes, size_t alignment)
{
    if (!hak_os_limit_allows(bytes))
        return NULL;
    uintptr_t hint = atomic_load_explicit(&xhint, memory_order_relaxed);
    bool upwards = atomic_load_explicit(&xupwards, memory_order_relaxed);
    char *p = NULL;
    if (alignment <= hak_os_page_bytes()) {
        p = map_at(NULL, bytes);
        // Mappings that grow upwards begin at a third of the addresses, far below the stack.
        if (hint == 0)
            upwards = (uintptr_t)p < (uintptr_t)&p / 2;
        if (p != NULL && (hint == 0 || (upwards ? (uintptr_t)p >= hint : (uintptr_t)p < hint)))
            remember(p, bytes, upwards);
        return p;
    }
    if (hint > bytes) {
        uintptr_t place = upwards ? hint + alignment - 1 : hint - bytes;
        p = map_at((void *)(place & ~(alignment - 1)), bytes);
        if (p == NULL)
            return NULL;
        if (((uintptr_t)p & (alignment - 1)) != 0) {
            hak_os_unmap(p, bytes);
            p = NULL;
        }
    }
    if (p == NULL) {
        p = map_and_trim(bytes, alignment);
        upwards = hint != 0 && (uintptr_t)p > hint;
    }
    if (p != NULL)
        remember(p, bytes, upwards);
    return p;
}

bool hak_os_advise(void *p, size_t bytes, int advice, enum hak_os_call kind)
{
    int saved_errno = errno;
    hak_os_count_call(kind);
    bool done = syscall(SYS_madvise, p, bytes, advice) == 0;
    errno = saved_errno;
    return done;
}

bool hak_os_purge(void *p, size_t bytes)
{
    return hak_os_advise(p, bytes, MADV_DONTNEED, HAK_OS_PURGE);
}

// By a futex call that wakes nobody, but first compares the word: unlike looking it does not fault
// where the program has protected its memory, or a fork left it out.  (mincore would tell what is
// wanted to know, but sandboxes forbid it more often.)
bool hak_os_peek(const void *p)
{
    int saved_errno = errno;
    uint32_t other = 0;
    long done = syscall(SYS_futex, p, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, NULL, &other, 0);
    bool differs = done == -1 && errno == EAGAIN;
    errno = saved_errno;
    return differs;
}

static long remap(void *p, size_t old_bytes, size_t new_bytes, int flags, void *place)
{
    hak_os_count_call(HAK_OS_RESIZE);
    return syscall(SYS_mremap, p, old_bytes, new_bytes, flags, place);
}

// What the kernel refuses to grow for want of anything but room (parts of it were advised, protected
// or locked otherwise) it refuses to move, some kernels after they have unmapped the place.
// Pre: new_bytes > old_bytes.
static bool can_move(void *p, size_t old_bytes, size_t new_bytes)
{
    int saved_errno = errno;
    bool grown = remap(p, old_bytes, new_bytes, 0, NULL) != -1;
    bool can = grown || errno == ENOMEM;
    errno = saved_errno;
    if (grown)
        (void)unmap_uncounted((char *)p + old_bytes, new_bytes - old_bytes);
    return can;
}

void *hak_os_resize(void *p, size_t old_bytes, size_t new_bytes, void *place)
{
    bool moves = place != p;
    if (!moves && new_bytes > old_bytes && !hak_os_limit_allows(new_bytes - old_bytes))
        return NULL;
    if (moves && new_bytes > old_bytes && !can_move(p, old_bytes, new_bytes)) {
        (void)hak_os_unmap(place, new_bytes);
        return NULL;
    }
    int saved_errno = errno;
    long moved = remap(p, old_bytes, new_bytes, moves ? MREMAP_MAYMOVE | MREMAP_FIXED : 0, place);
    errno = saved_errno;
    if (moved == -1) {
        // The kernel may have unmapped `place` before it refused, and another thread may be there
        // by now: it is let go, at worst as addresses that are never used again.
        hak_os_count_bytes(0, moves ? new_bytes : 0);
        return NULL;
    }
    // `place` was counted when it was mapped.
    hak_os_count_bytes(moves ? 0 : new_bytes, old_bytes);
    return place;
}

size_t hak_os_page_bytes(void)
{
    static _Atomic size_t xbytes;
    size_t bytes = atomic_load_explicit(&xbytes, memory_order_relaxed);
    if (bytes == 0) {
        bytes = getauxval(AT_PAGESZ);
        atomic_store_explicit(&xbytes, bytes, memory_order_relaxed);
    }
    return bytes;
}

// A counter that tells cheaply that little time has passed; 0 where there is none.
static uint64_t cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

static uint64_t read_clock(void)
{
    struct timespec now = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE,
            &now); // libc's may be interposed, and allocate
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t hak_os_now_ms(void)
{
    // The kernel's tick is 1 to 10 ms, which are millions of cycles.
    enum { SAME_TIME_CYCLES = 1 << 20 };
    static _Atomic uint64_t xread_at, xnow_ms;
    uint64_t at = cycles();
    // acquire, release: who sees xread_at sees xnow_ms
    if (at != 0 && at - atomic_load_explicit(&xread_at, memory_order_acquire) < SAME_TIME_CYCLES)
        return atomic_load_explicit(&xnow_ms, memory_order_relaxed);
    uint64_t now = read_clock(), before = atomic_load_explicit(&xnow_ms, memory_order_relaxed);
    while (before < now &&
           !atomic_compare_exchange_weak_explicit(&xnow_ms, &before, now, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    atomic_store_explicit(&xread_at, at, memory_order_release);
    return before < now ? now : before;
}

size_t hak_os_address_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur;
}
