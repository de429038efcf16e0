// Large pages by MADV_HUGEPAGE, for as long as they are cheap.
//
// A large page takes 60 to 100 us where the kernel has one at hand, and so less than the 512 small
// ones in its place.  Where it has not, it makes room first, or a virtual machine fetches memory from
// its host: 4 ms and more.  So the first page of each request is touched with a look at the clock,
// and a bad one begins a pause: a slow one, or a small one, where there are none at all.
#include "hak_os_advise.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LEAST_US = 10,  // to clear 2 MiB takes longer: it was a small one
    SLOW_US = 1000, // 512 small pages take 100 to 700
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 64 * 1000,
};

// Not asked before `xresume_ms`, the end of a pause of `xpause_ms`; 0: the last page was a good one.
// Relaxed: they order nothing.
static _Atomic uint64_t xpause_ms, xresume_ms;

static bool pausing(void)
{
    uint64_t resume = atomic_load_explicit(&xresume_ms, memory_order_relaxed);
    return resume != 0 && hak_os_now_ms() < resume;
}

static void pause_for(uint64_t ms)
{
    atomic_store_explicit(&xpause_ms, ms, memory_order_relaxed);
    atomic_store_explicit(&xresume_ms, ms == 0 ? 0 : hak_os_now_ms() + ms, memory_order_relaxed);
}

// Where several threads ask at a time, the first bad page begins the pause.
static void note(bool good)
{
    uint64_t pause = atomic_load_explicit(&xpause_ms, memory_order_relaxed);
    if (pausing())
        return;
    if (good)
        pause = 0;
    else if (pause == 0)
        pause = FIRST_PAUSE_MS;
    else if (pause < LONGEST_PAUSE_MS)
        pause *= 2;
    pause_for(pause);
}

// The thread's, which may lose the processor meanwhile.  (What the kernel waits for sleeping is not
// seen.)
static uint64_t processor_us(void)
{
    struct timespec now = {0};
    syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t touch(volatile char *first)
{
    int saved_errno = errno;
    uint64_t before = processor_us();
    *first = 0;
    uint64_t us = processor_us() - before;
    errno = saved_errno;
    return us;
}

enum hak_os_large_pages hak_os_want_large_pages(void *p, size_t bytes)
{
    if (pausing() || !hak_os_advise(p, bytes, MADV_HUGEPAGE, HAK_OS_PLACE))
        return HAK_OS_NOT_ASKED;
    uint64_t us = touch((char *)hak_round_up((uintptr_t)p, HAK_OS_LARGE_PAGE_BYTES));
    note(us >= LEAST_US && us < SLOW_US);
    return us >= LEAST_US ? HAK_OS_GOT_ONE : HAK_OS_ASKED;
}

void hak_os_want_small_pages(void *p, size_t bytes)
{
    (void)hak_os_advise(p, bytes, MADV_NOHUGEPAGE, HAK_OS_PLACE);
}

// Pages that are said to be cold must be on their own: the kernel takes the large page apart.
void hak_os_split_large_page(void *p)
{
    (void)hak_os_advise(p, hak_os_page_bytes(), MADV_COLD, HAK_OS_PLACE);
}
