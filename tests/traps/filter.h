// seccomp filters: lists of system calls and what becomes of them.
#pragma once
#include "trap.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define FILTER_BEGIN BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define FILTER_CALL(number, verdict)                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, verdict)
#define FILTER_OTHERS(verdict) BPF_STMT(BPF_RET | BPF_K, verdict)

// For the rest of the process. Where that is refused the test is skipped.
static inline void trap_filter(struct sock_filter *code, size_t steps)
{
    struct sock_fprog program = {(unsigned short)steps, code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        return;
    puts("this machine refuses seccomp filters");
    exit(77);
}
