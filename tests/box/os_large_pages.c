// Large pages are asked for while the kernel has them at hand; its clocks are played here.
#include "box_test.h"
#include "hak_os_boundary.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 4 * HAK_OS_LARGE_PAGE_BYTES };

static char *pages;
static bool refused;
static unsigned asked;
static long touch_us; // the next touches take so long
static long ahead_ms; // of the kernel's clock

static long forward(long number, const long *a)
{
    static long (*real)(long, ...);
    if (real == NULL)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long read_clock(const long *a)
{
    static long passed_us;
    struct timespec *now = (struct timespec *)a[1];
    long done = forward(SYS_clock_gettime, a);
    if (a[0] == CLOCK_THREAD_CPUTIME_ID) {
        now->tv_sec = 1;
        now->tv_nsec = passed_us * 1000;
        passed_us += touch_us;
    } else {
        now->tv_sec += ahead_ms / 1000;
    }
    return done;
}

// Takes the place of libc's.
long syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (unsigned i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_clock_gettime)
        return read_clock(a);
    if (number == SYS_madvise && a[2] == MADV_HUGEPAGE) {
        asked++;
        errno = EINVAL;
        return refused ? -1 : 0;
    }
    return forward(number, a);
}

static void map_pages(void)
{
    pages = hak_os_map(BYTES, HAK_OS_LARGE_PAGE_BYTES);
    expect(pages != NULL);
}

TestSuite(os_large_pages, .init = map_pages);

// Whether it asked, `s` seconds later.
static bool want_after(long s)
{
    unsigned before = asked;
    ahead_ms += s * 1000;
    usleep(2000); // the clock is not read each time
    bool wanted = hak_os_want_large_pages(pages, BYTES, pages + 5);
    expect(wanted == (asked > before && !refused) && pages[5] == 0);
    return wanted;
}

Test(os_large_pages, quick_ones_are_asked_for_each_time)
{
    touch_us = 100;
    for (unsigned i = 0; i < 5; i++)
        expect(want_after(0));
}

Test(os_large_pages, after_a_slow_one_there_is_a_pause)
{
    touch_us = 4000;
    expect(want_after(0));
    expect(!want_after(0) && want_after(2));
    expect(!want_after(1) && want_after(2), "the pause doubles");
    touch_us = 100;
    expect(!want_after(2) && want_after(3) && want_after(0));
    touch_us = 4000;
    expect(want_after(0) && !want_after(0) && want_after(2), "it begins anew");
}

Test(os_large_pages, a_pause_ends)
{
    touch_us = 4000;
    for (unsigned i = 0; i < 20; i++)
        expect(want_after(65));
    expect(!want_after(60) && want_after(5));
}

Test(os_large_pages, a_refused_one_is_not_touched)
{
    refused = true;
    touch_us = 4000;
    pages[5] = 0;
    expect(!want_after(0) && !want_after(0) && asked == 2);
}
