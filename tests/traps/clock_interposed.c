// A clock_gettime that allocates, as libfaketime's does, must not be called from within malloc.
#define _GNU_SOURCE
#include "trap.h"
#include <dlfcn.h>
#include <sys/syscall.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static bool called;
    if (!called) {
        called = true;
        for (size_t n = 1; n < 1 << 20; n += n / 8 + 1)
            free(malloc(n));
    }
    return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

int main(void)
{
    enum { BLOCKS = 100000, BYTES = 300 };
    static void *block[BLOCKS];
    int (*seen_by_libraries)(clockid_t, struct timespec *);
    *(void **)&seen_by_libraries = dlsym(RTLD_DEFAULT, "clock_gettime");
    CHECK(seen_by_libraries == clock_gettime);
    alarm(5); // a hang is a failure
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++)
            memset(block[i] = malloc(BYTES), 1, BYTES);
        for (int i = 0; i < BLOCKS; i++)
            free(block[i]);
    }
}
