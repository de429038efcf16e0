// Trap 17: a seccomp filter refuses madvise, process_madvise, getrandom, membarrier and all about
// memory nodes with EPERM. The program installs it, then executes itself, so that the allocator
// starts under it.
#define _GNU_SOURCE
#include "filter.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define REFUSE(number) FILTER_CALL(number, SECCOMP_RET_ERRNO | EPERM)

static void install_filter(void)
{
    struct sock_filter code[] = {
        FILTER_BEGIN,          REFUSE(SYS_madvise),    REFUSE(SYS_process_madvise),
        REFUSE(SYS_getrandom), REFUSE(SYS_membarrier), REFUSE(SYS_get_mempolicy),
        REFUSE(SYS_mbind),     REFUSE(SYS_getcpu),     FILTER_OTHERS(SECCOMP_RET_ALLOW),
    };
    trap_filter(code, sizeof code / sizeof code[0]);
}

static void *thread(void *seed)
{
    trap_churn((uintptr_t)seed, 20000, 8 << 20);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        install_filter();
        char *again[] = {argv[0], "filtered", NULL};
        execv("/proc/self/exe", again);
    }
    CHECK(argc == 2 && madvise((void *)4096, 4096, MADV_NORMAL) == -1 && errno == EPERM);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, thread, (void *)(i + 1)));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int round = 0; round < 3;
         round++) { // memory that cannot be purged must still read as zero
        const size_t n = 32 << 20;
        unsigned char *p = calloc(1, n);
        for (size_t i = 0; i < n; i += 512)
            CHECK(p[i] == 0);
        memset(p, 1, n);
        free(p);
        malloc_trim(0);
    }
}
