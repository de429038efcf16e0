// Trap 16: a signal handler that calls exit in the middle of an allocation, and functions that
// allocate at exit. Not allowed, and common.
#include "trap.h"
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { RUNS = 60, BLOCKS = 4000 };

static void allocate_at_exit(void)
{
    static unsigned char *block[100];
    const size_t bytes[] = {16, 1000, 3000, 50000, 1 << 20};
    for (int i = 0; i < 100; i++)
        CHECK(block[i] = memset(malloc(bytes[i % 5]), i, bytes[i % 5]));
    for (int i = 0; i < 100; i++) {
        CHECK(block[i][0] == i && block[i][bytes[i % 5] - 1] == i);
        CHECK(block[i] = realloc(block[i], 2 * bytes[i % 5]));
        CHECK(block[i][0] == i && block[i][bytes[i % 5] - 1] == i);
        free(block[i]);
    }
    malloc_trim(0);
    (void)mallinfo2();
}

static void leave(int signal)
{
    (void)signal;
    exit(0);
}

static void allocate_until_signal(int run)
{
    static void *block[BLOCKS];
    const struct itimerval timer = {.it_value = {.tv_usec = 1000 + run * 7919 % 9000}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    atexit(allocate_at_exit);
    signal(SIGALRM, leave);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (;;) {
        for (int i = 0; i < BLOCKS; i++)
            block[i] = malloc(i % 100 ? 8 + i * 37 % 30000 : 1 << 20);
        for (int i = 0; i < BLOCKS; i++)
            free(block[i]);
    }
}

int main(void)
{
    alarm(10); // a hang is a failure
    for (int run = 0; run < RUNS; run++) {
        int status = 1;
        const pid_t pid = fork();
        if (pid == 0)
            allocate_until_signal(run);
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    }
}
