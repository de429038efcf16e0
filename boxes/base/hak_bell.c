#include "hak_bell.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint32_t xrings; // seq_cst: what was done before a ring is seen after it

uint32_t hak_bell_rings(void)
{
    return atomic_load(&xrings);
}

void hak_bell_ring(void)
{
    int saved_errno = errno;
    atomic_fetch_add(&xrings, 1);
    syscall(SYS_futex, &xrings, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}

void hak_bell_wait(uint32_t rings, unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    syscall(SYS_futex, &xrings, FUTEX_WAIT_PRIVATE, rings, ms > 0 ? &time : NULL, NULL, 0);
}
