// Single-steps one malloc and one free that hit the thread cache and prints the address of each
// instruction executed, as offsets into the library that malloc comes from:
//     LIBRARY
//     malloc SIZE OFFSET...
//     free SIZE OFFSET...       (SIZE 0: free(NULL))
// The processor's trap flag does it: after each instruction the kernel sends SIGTRAP.
// Built without a red zone: setting the flag pushes onto the stack.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __x86_64__
enum { MAX_STEPS = 100000, WARM_BLOCKS = 64, PAGE_BYTES = 4096 };

static const size_t sizes[] = {64, 8, 100, 1000, 2000, 6000};
static void *(*volatile do_malloc)(size_t) = malloc;
static void (*volatile do_free)(void *) = free;
static uintptr_t steps[MAX_STEPS];
static size_t step_count;

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    const ucontext_t *user = context;
    if (step_count < MAX_STEPS)
        steps[step_count++] = (uintptr_t)user->uc_mcontext.gregs[REG_RIP];
}

static void step(bool on)
{
    if (on)
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    else
        __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

static void print_steps(const char *name, size_t size, const void *base)
{
    Dl_info info;
    printf("%s %zu", name, size);
    for (size_t i = 0; i < step_count; i++)
        if (dladdr((void *)steps[i], &info) && info.dli_fbase == base)
            printf(" %zx", (size_t)(steps[i] - (uintptr_t)base));
    printf("\n");
}

// A build with class headers looks twice before it reads the byte before a page: not the usual hit.
static bool near_page_start(const void *block)
{
    return (uintptr_t)block % PAGE_BYTES <= 16;
}

static void trace(size_t size, const void *base)
{
    void *warm[WARM_BLOCKS];
    for (int i = 0; i < WARM_BLOCKS; i++)
        warm[i] = do_malloc(size);
    for (int i = 0; i < WARM_BLOCKS; i++)
        do_free(warm[i]);

    void *block;
    do { // the few blocks passed over are never freed
        step_count = 0;
        step(true);
        block = do_malloc(size);
        step(false);
    } while (near_page_start(block));
    print_steps("malloc", size, base);

    step_count = 0;
    step(true);
    do_free(block);
    step(false);
    print_steps("free", size, base);
}

int main(void)
{
    Dl_info info;
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGTRAP, &action, NULL) || !dladdr((void *)(uintptr_t)do_malloc, &info))
        return 1;
    printf("%s\n", info.dli_fname);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        trace(sizes[i], info.dli_fbase);
    step_count = 0;
    step(true);
    do_free(NULL);
    step(false);
    print_steps("free", 0, info.dli_fbase);
    return 0;
}
#else
int main(void)
{
    return 77;
}
#endif
