// Trap 17: a seccomp filter kills whoever makes a call that it does not expect.  In a process with
// one thread hakmem makes no other calls than docs/tuning.md lists.
#define _GNU_SOURCE
#include "filter.h"
#include <errno.h>
#include <malloc.h>
#include <sys/syscall.h>

#define ALLOW(number) FILTER_CALL(number, SECCOMP_RET_ALLOW)

static void install_filter(void)
{
    struct sock_filter code[] = {
        FILTER_BEGIN,
        ALLOW(SYS_mmap),
        ALLOW(SYS_munmap),
        ALLOW(SYS_mremap),
        ALLOW(SYS_madvise),
        ALLOW(SYS_futex),
        ALLOW(SYS_mprotect),
        ALLOW(SYS_prlimit64),
        ALLOW(SYS_clock_gettime),
        ALLOW(SYS_get_mempolicy),
        ALLOW(SYS_mbind),
        ALLOW(SYS_getcpu),
        ALLOW(SYS_exit_group), // the program's own
        FILTER_OTHERS(SECCOMP_RET_KILL_PROCESS),
    };
    trap_filter(code, sizeof code / sizeof code[0]);
}

int main(int argc, char **argv)
{
    (void)argc;
    trap_restart_with("HAKMEM_SAMPLE", "0", argv); // sampled blocks are watched by a handler
    install_filter();
    for (unsigned round = 0; round < 30; round++) {
        trap_churn(round + 1, 20000, 8 << 20);
        char *p = calloc(1, 3 << 20);
        CHECK(p != NULL && (p = realloc(p, 20 << 20)) != NULL && p[(3 << 20) - 1] == 0);
        free(p);
        CHECK((p = aligned_alloc(1 << 21, 1 << 21)) != NULL);
        free(p);
        errno = 0;
        CHECK(malloc((size_t)1 << 46) == NULL && errno == ENOMEM);
        malloc_trim(0);
    }
    _exit(0);
}
