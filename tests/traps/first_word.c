// Out of memory, and another thread frees a block at that very moment: it may be handed out, a block
// in use may not. The kernel's refusal to map is a signal here, so that the moment is sure: the free
// happens after the allocator has looked for remote frees and before it looks again.
#define _GNU_SOURCE
#include "filter.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { BLOCKS = 1 << 20, BYTES = 64 };
static void *block[BLOCKS];
static _Atomic(void *) xto_free;
static _Atomic(void *) xarmed; // what to free at the next refusal
static _Atomic bool xready;    // the other thread has its cache

static void *free_on_demand(void *unused)
{
    free(malloc(BYTES));
    xready = true;
    for (;; usleep(100)) {
        if (!xto_free)
            continue;
        free(xto_free);
        malloc_trim(0); // nothing stays in this thread's cache
        xto_free = NULL;
    }
    return unused;
}

static void refuse(int signal, siginfo_t *info, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    (void)signal, (void)info;
#if defined(__x86_64__)
    machine->gregs[REG_RAX] = -ENOMEM;
#else
    machine->regs[0] = -ENOMEM;
#endif
    xto_free = xarmed;
    xarmed = NULL;
    while (xto_free)
        usleep(100);
}

static void refuse_mappings(void)
{
    struct sock_filter code[] = {
        FILTER_BEGIN,
        FILTER_CALL(SYS_mmap, SECCOMP_RET_TRAP),
        FILTER_OTHERS(SECCOMP_RET_ALLOW),
    };
    const struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
    trap_filter(code, sizeof code / sizeof code[0]);
}

static void *take_back_and_allocate(void *low, void *high)
{
    free(low);
    malloc_trim(0); // the slab has it back ...
    while (malloc(BYTES))
        ; // ... and is full again, having looked for free blocks at its start
    xarmed = high;
    void *p = malloc(BYTES);
    CHECK(xarmed == NULL); // a mapping was asked for
    return p;
}

int main(int argc, char **argv)
{
    (void)argc;
    trap_restart_with("HAKMEM_JANITOR", "0", argv); // its start would be a refused mapping as well
    pthread_t thread;
    int count = 0;
    alarm(5); // a hang is a failure
    for (; count < 5000; count++)
        CHECK(block[count] = malloc(BYTES));
    CHECK(!pthread_create(&thread, NULL, free_on_demand, NULL));
    while (!xready)
        usleep(100);
    refuse_mappings();
    while (count < BLOCKS && (block[count] = malloc(BYTES)))
        count++;
    CHECK(count < BLOCKS);
    for (int i = 0; i < 4000; i += 1000) {
        void *p = take_back_and_allocate(block[i], block[i + 500]);
        CHECK(p == block[i + 500] || p == NULL);
    }
    _exit(0);
}
