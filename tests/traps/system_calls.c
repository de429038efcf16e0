// Trap 17: a seccomp filter kills whoever makes a call that it does not expect.  In a process with
// one thread hakmem makes no other calls than docs/tuning.md lists.
#define _GNU_SOURCE
#include "trap.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW(number)                                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install_filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
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
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        return;
    puts("this machine refuses seccomp filters");
    exit(77);
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
