// process_madvise(2) on the process itself.  Each madvise that takes pages interrupts all
// processors on which other threads of the process run, 5 to 30 us; this call does so once.
#include "hak_os_count.h"
#include "hak_option.h"
#include "hak_os_purge_together.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440 // on all architectures
#endif

// The kernel's PIDFD_SELF_THREAD, from Linux 6.15 on: its memory is the process's.  (The other one,
// PIDFD_SELF_THREAD_GROUP, has none once the main thread has ended.)
enum { SELF = -10000 };

_Static_assert(sizeof(struct hak_os_range) == sizeof(struct iovec) &&
                   offsetof(struct hak_os_range, bytes) == offsetof(struct iovec, iov_len),
               "the kernel takes ranges as they are");

// glibc's; other libcs do not tell.
extern __attribute__((weak)) char __libc_single_threaded;

static bool has_threads(void)
{
    return &__libc_single_threaded != NULL && !__libc_single_threaded;
}

unsigned hak_os_purge_together(const struct hak_os_range *ranges, unsigned count)
{
    static _Atomic bool xrefused; // relaxed: it orders nothing
    if (!has_threads() || !hak_options.purge_together ||
        atomic_load_explicit(&xrefused, memory_order_relaxed))
        return 0;
    int saved_errno = errno;
    hak_os_count_call(HAK_OS_PURGE);
    long bytes = syscall(SYS_process_madvise, SELF, ranges, (size_t)count, MADV_DONTNEED, 0);
    // An old kernel, or a seccomp filter.  Other errors are those of a range.
    if (bytes == -1 && (errno == EBADF || errno == ENOSYS || errno == EPERM))
        atomic_store_explicit(&xrefused, true, memory_order_relaxed);
    errno = saved_errno;
    unsigned done = 0;
    for (; done < count && bytes >= (long)ranges[done].bytes; done++)
        bytes -= (long)ranges[done].bytes;
    return done;
}
