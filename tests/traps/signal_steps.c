// Trap 16: a signal handler that allocates and frees after every single instruction of the slow
// paths. The processor's trap flag raises SIGTRAP after each. The handler's size classes are its
// own: it may come between the load and the store of a bin's top, where it must leave that bin
// alone.
#define _GNU_SOURCE
#include "trap.h"
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifdef __x86_64__
enum {
    EACH_STEP = 100000,
    KEPT = 16,
    BLOCKS = 150,
    OTHERS = 70,
    FIRST_STEPS = 60,
    STEPS = 1000,
    HANDLERS = 6000
};

static const long long TRAP_FLAG = 0x100;
static volatile unsigned steps, only_step; // 0: all
static struct {
    unsigned char *p;
    size_t bytes;
} kept[KEPT];

static void keep(unsigned char *p, size_t bytes)
{
    const unsigned i = steps % KEPT;
    if (kept[i].p)
        CHECK(kept[i].p[0] == 'k' && kept[i].p[kept[i].bytes - 1] == 'k');
    free(kept[i].p);
    kept[i].p = p, kept[i].bytes = bytes;
    if (p)
        p[0] = p[bytes - 1] = 'k';
}

static void *handlers_block[HANDLERS]; // from another thread: freed by the handler, one a step
static volatile unsigned handlers_blocks;

// Blocks live for some steps: what is freed in one state was allocated in another.
static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    const size_t bytes[] = {100, 1000, 3000, 600000};
    if (only_step > 0) {
        if (--only_step > 0)
            return;
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    }
    if (++steps > EACH_STEP && steps % 61 != 0)
        return;
    if (handlers_blocks > 0)
        free(handlers_block[--handlers_blocks]);
    const size_t n = bytes[steps % 19 ? steps % 3 : 3];
    unsigned char *p = steps % 5 ? malloc(n) : aligned_alloc(16, n);
    CHECK(p && malloc_usable_size(p) >= n);
    keep(memset(p, 'k', n < 4096 ? n : 1), n);
    if (steps % 7 == 0) {
        unsigned char **const older = &kept[(steps + 3) % KEPT].p;
        if (*older)
            CHECK(*older = realloc(*older, kept[(steps + 3) % KEPT].bytes * 2));
    }
    if (steps % 97 == 0) {
        void *aligned; // the compiler knows what aligned_alloc promises, and would check nothing
        CHECK(!posix_memalign(&aligned, 4096, 3000) && (uintptr_t)aligned % 4096 == 0);
        free(aligned);
        CHECK(p = calloc(1, 3000));
        for (int i = 0; i < 3000; i++)
            CHECK(p[i] == 0);
        free(p);
        (void)mallinfo2();
    }
}

// The red zone is stepped over: setting the flag pushes.
static void step(bool on)
{
    if (on)
        __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq;"
                         "lea 128(%%rsp), %%rsp" ::
                             : "memory", "cc");
    else
        __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq;"
                         "lea 128(%%rsp), %%rsp" ::
                             : "memory", "cc");
}

static unsigned char *block[BLOCKS];

static void allocate(size_t bytes, int count)
{
    for (int i = 0; i < count; i++) {
        CHECK(block[i] = malloc(bytes));
        block[i][0] = block[i][bytes - 1] = (unsigned char)i;
    }
}

static void release(size_t bytes, int count)
{
    for (int i = 0; i < count; i++) {
        CHECK(block[i][0] == (unsigned char)i && block[i][bytes - 1] == (unsigned char)i);
        free(block[i]);
    }
}

static void *allocate_in_thread(void *unused)
{
    allocate(48, OTHERS);
    for (; handlers_blocks < HANDLERS; handlers_blocks++)
        CHECK(handlers_block[handlers_blocks] = malloc(100));
    return unused;
}

static void slow_paths(void)
{
    const size_t bytes[] = {48, 20000, 100000};
    const int count[] = {BLOCKS, 12, 4};
    release(48, OTHERS); // another thread's
    for (int i = 0; i < 3; i++) {
        allocate(bytes[i], count[i]);
        release(bytes[i], count[i]);
    }
    allocate(700000, 2);
    release(700000, 2);
    CHECK(block[0] = aligned_alloc(1 << 17, 1));
    free(block[0]);
    malloc_trim(0);
}

static void stop(void *unused)
{
    (void)unused;
    step(false);
}

// Gives its heap back at its end, which lies before `stop`: keys are destroyed in the order of
// their creation.
static void *end_in_steps(void *key)
{
    CHECK(pthread_setspecific(*(pthread_key_t *)key, key) == 0);
    allocate(48, 40);
    step(true);
    return NULL;
}

// Binds a heap; the handler interrupts at one step only.
static void *bind_in_steps(void *number)
{
    only_step = (unsigned)(uintptr_t)number;
    step(true);
    void *p = malloc(48);
    step(false);
    only_step = 0;
    return p;
}

static void allocate_at_exit(void)
{
    trap_churn(1, 200, 1 << 20);
    malloc_trim(0);
}

static void leave(int signal)
{
    (void)signal;
    if (--only_step == 0)
        exit(0);
}

// Children that exit in the middle of allocating and freeing, at the given step.
static void exit_at(unsigned number)
{
    int status = 1;
    const pid_t pid = fork();
    if (pid == 0) {
        atexit(allocate_at_exit);
        signal(SIGTRAP, leave);
        only_step = number;
        step(true);
        free(malloc(700000));
        free(malloc(20));
        step(false);
        _exit(0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void run(void *(*work)(void *), void *argument)
{
    pthread_t thread;
    void *p = NULL;
    CHECK(!pthread_create(&thread, NULL, work, argument) && !pthread_join(thread, &p));
    free(p);
}

static void bind_at_each_step(void)
{
    run(bind_in_steps, (void *)1);
    const size_t before = mallinfo2().uordblks;
    for (uintptr_t i = 0; i < 4 * FIRST_STEPS; i++)
        run(bind_in_steps, (void *)(i % FIRST_STEPS + 1));
    for (uintptr_t number = FIRST_STEPS; number < STEPS; number += 20)
        run(bind_in_steps, (void *)number);
    CHECK(mallinfo2().uordblks < before + (1 << 20)); // no heap is lost
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    pthread_key_t key;
    (void)argc;
    alarm(150);                                     // a hang is a failure
    trap_restart_with("HAKMEM_JANITOR", "0", argv); // threads begin with SIGTRAP blocked: no steps
    trap_restart_with("HAKMEM_QUARANTINE", "0", argv); // or frees would be in any class
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    free(malloc(1));
    CHECK(pthread_key_create(&key, stop) == 0);
    bind_at_each_step();
    for (unsigned number = 1; number < STEPS; number += 17)
        exit_at(number);
    run(allocate_in_thread, NULL);
    step(true);
    slow_paths();
    step(false);
    run(end_in_steps, &key);
    for (int i = 0; i < 40; i++)
        free(block[i]);
    CHECK(steps > 20000);
    for (steps = 0; steps < KEPT; steps++)
        keep(NULL, 0);
    trap_churn(1, 20000, 1 << 20);
    CHECK(mallinfo2().hblkhd == 0); // what handlers freed is free
}
#else
int main(void)
{
    return 77;
}
#endif
