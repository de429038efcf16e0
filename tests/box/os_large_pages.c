// Large pages are asked for while the kernel has them at hand; its clocks are played here.
#include "box_test.h"
#include "hak_os_boundary.h"
#include "played_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

enum { BYTES = 4 * HAK_OS_LARGE_PAGE_BYTES };

static char *pages;
static bool played = true, refused;
static unsigned asked;
static long touch_us;      // the next touches take so long
static long ahead_ms;      // of the kernel's clock
static bool other_is_slow; // another thread asks while the next touch goes on

static long read_clock(const long *a)
{
    static long passed_us;
    struct timespec *now = (struct timespec *)a[1];
    long done = ask_kernel(SYS_clock_gettime, a);
    if (a[0] == CLOCK_THREAD_CPUTIME_ID) {
        now->tv_sec = 1;
        now->tv_nsec = passed_us * 1000;
        passed_us += touch_us;
        if (other_is_slow) {
            long own_us = passed_us;
            other_is_slow = false;
            touch_us = 4000;
            expect(hak_os_want_large_pages(pages, BYTES) == HAK_OS_GOT_ONE);
            touch_us = 100;
            passed_us = own_us;
        }
    } else {
        now->tv_sec += ahead_ms / 1000;
    }
    return done;
}

static long play(long number, const long *a)
{
    if (!played)
        return ask_kernel(number, a);
    if (number == SYS_clock_gettime)
        return read_clock(a);
    if (number == SYS_madvise && a[2] == MADV_HUGEPAGE) {
        asked++;
        errno = EINVAL;
        return refused ? -1 : 0;
    }
    return ask_kernel(number, a);
}

static void map_pages(void)
{
    pages = hak_os_map(BYTES, HAK_OS_LARGE_PAGE_BYTES);
    expect(pages != NULL);
    hak_os_want_small_pages(pages, BYTES); // where the kernel would give large ones to everybody
}

TestSuite(os_large_pages, .init = map_pages);

// Whether it got one, `s` seconds later, as it does not in a pause.
static bool want_after(long s)
{
    unsigned before = asked;
    ahead_ms += s * 1000;
    usleep(2000); // the clock is not read each time
    errno = 77;
    enum hak_os_large_pages found = hak_os_want_large_pages(pages + 4096, BYTES - 4096);
    expect(errno == 77 && (found != HAK_OS_NOT_ASKED) == (asked > before && !refused));
    return found == HAK_OS_GOT_ONE;
}

static bool is_present(const char *page)
{
    unsigned char present = 0;
    expect(mincore((void *)(uintptr_t)page, 4096, &present) == 0);
    return present & 1;
}

Test(os_large_pages, the_first_whole_one_is_touched)
{
    touch_us = 100;
    expect(want_after(0) && is_present(pages + HAK_OS_LARGE_PAGE_BYTES));
    expect(!is_present(pages + 4096) && !is_present(pages + HAK_OS_LARGE_PAGE_BYTES + 4096));
}

Test(os_large_pages, quick_ones_are_asked_for_each_time)
{
    touch_us = 900;
    for (unsigned i = 0; i < 5; i++)
        expect(want_after(0));
}

Test(os_large_pages, after_a_slow_one_there_is_a_pause)
{
    touch_us = 1100;
    expect(want_after(0));
    expect(!want_after(0) && want_after(2));
    expect(!want_after(1) && want_after(2), "the pause doubles");
    touch_us = 100;
    expect(!want_after(2) && want_after(3) && want_after(0));
    touch_us = 4000;
    expect(want_after(0) && !want_after(0) && want_after(2), "it begins anew");
}

Test(os_large_pages, a_quick_one_does_not_end_the_pause_that_began_meanwhile)
{
    touch_us = 100;
    other_is_slow = true;
    want_after(0);
    expect(!want_after(0) && want_after(2));
}

Test(os_large_pages, a_pause_ends)
{
    touch_us = 4000;
    for (unsigned i = 0; i < 20; i++)
        expect(want_after(65));
    expect(!want_after(60) && want_after(5));
}

Test(os_large_pages, what_is_too_quick_is_a_small_one)
{
    touch_us = 2;
    expect(!want_after(0) && asked == 1);
    touch_us = 100;
    expect(!want_after(0) && asked == 1 && want_after(2), "it begins a pause");
}

Test(os_large_pages, a_refused_one_is_not_touched)
{
    refused = true;
    touch_us = 4000;
    expect(!want_after(0) && !want_after(0) && asked == 2);
    expect(!is_present(pages + HAK_OS_LARGE_PAGE_BYTES));
}

// --- the real kernel

// Whether the page is part of a larger one, by /proc/kpageflags; skips the test where that is
// forbidden.
static bool is_part_of_larger(const char *page)
{
    enum { TAIL = 16 };
    uint64_t frame = 0, flags = 0;
    int frames = open("/proc/self/pagemap", O_RDONLY), kernel = open("/proc/kpageflags", O_RDONLY);
    if (frames >= 0)
        expect(pread(frames, &frame, 8, (off_t)((uintptr_t)page / 4096 * 8)) == 8);
    frame &= ((uint64_t)1 << 55) - 1;
    if (kernel < 0 || frame == 0)
        cr_skip_test("pages cannot be looked at here");
    expect(pread(kernel, &flags, 8, (off_t)(frame * 8)) == 8);
    close(frames);
    close(kernel);
    return (flags >> TAIL & 1) != 0;
}

Test(os_large_pages, a_split_one_is_many_small_ones)
{
    played = false;
    if (hak_os_page_bytes() != 4096 || hak_os_want_large_pages(pages, BYTES) != HAK_OS_GOT_ONE)
        cr_skip_test("no large pages here");
    expect(is_part_of_larger(pages + 4096));
    hak_os_split_large_page(pages);
    expect(!is_part_of_larger(pages + 4096) && is_present(pages + 4096));
}
