// What only the kernel refuses: the call says so, counts it once, and nothing else changes.  And
// where it puts mappings.
#include "box_test.h"
#include "hak_os_boundary.h"

#include "hak_option.h"
#include "tests/traps/filter.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { BYTES = 64 * 1024 };

static char *hole; // addresses that nothing is mapped at

static void make_hole(void)
{
    hole = hak_os_map(BYTES, BYTES);
    expect(hole != NULL && hak_os_unmap(hole, BYTES));
    errno = 77;
}

TestSuite(os_linux, .init = make_hole);

Test(os_linux, a_hole_cannot_be_committed)
{
    expect(!hak_os_commit(hole, BYTES) && errno == 77);
    expect(hak_os_counts().kernel_refusals == 1 && hak_os_counts().mapped_bytes == 0);
    expect(!hak_os_limit_refused_last());
}

Test(os_linux, half_a_page_cannot_be_unmapped)
{
    uint64_t unmaps = hak_os_counts().unmap;
    expect(!hak_os_unmap(hole + 1, BYTES) && errno == 77);
    expect(hak_os_counts().unmap == unmaps + 1 && hak_os_counts().mapped_bytes == 0);
}

Test(os_linux, a_hole_cannot_be_purged_or_resized)
{
    expect(!hak_os_purge(hole, BYTES) && errno == 77);
    expect(hak_os_want_large_pages(hole, BYTES) == HAK_OS_NOT_ASKED && errno == 77);
    expect(!hak_os_peek(hole) && errno == 77);
    hak_os_want_small_pages(hole, BYTES);
    hak_os_split_large_page(hole);
    expect(errno == 77);
    expect(hak_os_resize(hole, BYTES, 2 * BYTES, hole) == NULL && errno == 77);
    expect(hak_os_counts().mapped_bytes == 0);
}

// The program has advised a part otherwise, which so is another mapping: mremap refuses both.
Test(os_linux, a_refused_move_leaves_nothing_behind)
{
    char *p = hak_os_map(4 * BYTES, 1), *place = hak_os_map(8 * BYTES, 1);
    expect(p != NULL && place != NULL && madvise(p + BYTES, BYTES, MADV_DONTDUMP) == 0);
    memset(p, 1, 4 * BYTES);
    errno = 77;
    expect(hak_os_resize(p, 4 * BYTES, 8 * BYTES, place) == NULL && errno == 77);
    expect(hak_os_counts().mapped_bytes == 4 * BYTES && is_filled(p, 1, 4 * BYTES));
    unsigned char present;
    expect(mincore(place, 4096, &present) == -1 && errno == ENOMEM, "nothing is mapped there");
}

Test(os_linux_places, an_aligned_mapping_lies_beyond_others_made_meanwhile)
{
    const size_t bytes = 32 * BYTES;
    expect(hak_os_map(BYTES, 1) != NULL && hak_os_map(bytes, bytes) != NULL);
    for (int i = 0; i < 8; i++) // some may fill holes
        expect(hak_os_map(bytes, 1) != NULL);
    struct hak_os_counts before = hak_os_counts();
    expect(hak_os_map(bytes, bytes) != NULL);
    struct hak_os_counts after = hak_os_counts();
    expect(after.map == before.map + 1 && after.unmap == before.unmap);
}

// What fills a hole above the others does not lead the next astray.
Test(os_linux_places, an_aligned_mapping_does_not_follow_one_in_a_hole)
{
    enum { ROUNDS = 4 };
    const size_t bytes = 32 * BYTES;
    uint64_t calls = 0;
    expect(hak_os_map(BYTES, 1) != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        char *hole_here = hak_os_map(bytes, bytes);
        expect(hole_here != NULL && hak_os_map(bytes, bytes) != NULL);
        expect(hak_os_unmap(hole_here, bytes) && hak_os_map(bytes / 2, 1) != NULL);
        struct hak_os_counts before = hak_os_counts();
        expect(hak_os_map(bytes, bytes) != NULL);
        struct hak_os_counts after = hak_os_counts();
        calls += after.map - before.map + after.unmap - before.unmap;
    }
    expect(calls < 2 * ROUNDS + 2, "%d calls", (int)calls); // one place may be taken
}

enum { RANGES = 4 };

// Every other page from `start` on.  Returns the number of calls that purging them took.
static uint64_t purge_pages(char *start, unsigned expected)
{
    size_t page_bytes = hak_os_page_bytes();
    struct hak_os_range ranges[RANGES];
    for (unsigned i = 0; i < RANGES; i++) {
        ranges[i] = (struct hak_os_range){start + 2 * i * page_bytes, page_bytes};
        if (i < expected)
            memset(ranges[i].start, 1, 2 * page_bytes);
    }
    uint64_t purges = hak_os_counts().purge;
    errno = 77;
    expect(hak_os_purge_each(ranges, RANGES) == expected && errno == 77);
    for (unsigned i = 0; i < expected; i++)
        expect(is_filled(ranges[i].start, 0, page_bytes) &&
               is_filled((char *)ranges[i].start + page_bytes, 1, page_bytes));
    return hak_os_counts().purge - purges;
}

static char *pages; // room for purge_pages
static bool can_purge_together;

static void *return_at_once(void *nothing)
{
    return nothing;
}

// Where glibc tells of threads, and the kernel takes a call that is not hakmem's.
static void note_what_the_kernel_can(void)
{
    struct hak_os_range page = {pages, hak_os_page_bytes()};
#ifdef __GLIBC__
    enum { PIDFD_SELF_THREAD_OF_LINUX = -10000 };
    long done = syscall(SYS_process_madvise, PIDFD_SELF_THREAD_OF_LINUX, &page, 1, MADV_DONTNEED,
                        0);
    can_purge_together = done == (long)page.bytes;
#endif
}

static void have_threads(void)
{
    make_hole();
    pthread_t thread;
    expect(pthread_create(&thread, NULL, return_at_once, NULL) == 0);
    pthread_join(thread, NULL);
    pages = hak_os_map(2 * RANGES * hak_os_page_bytes(), hak_os_page_bytes());
    expect(pages != NULL);
    note_what_the_kernel_can();
}

TestSuite(os_linux_threads, .init = have_threads);

static void expect_calls(uint64_t at_first)
{
    expect(purge_pages(pages, RANGES) == (can_purge_together ? 1 : at_first));
    expect(purge_pages(pages, RANGES) == (can_purge_together ? 1 : RANGES), "asked again");
}

Test(os_linux_threads, ranges_are_purged_together_where_the_kernel_can)
{
    expect_calls(1 + RANGES);
    hak_options.purge_together = 0;
    expect(purge_pages(pages, RANGES) == RANGES);
}

Test(os_linux_threads, what_comes_before_a_hole_is_purged)
{
    size_t page_bytes = hak_os_page_bytes();
    for (unsigned left = RANGES; left-- > 0;) {
        expect(hak_os_unmap(pages + 2 * left * page_bytes, 2 * page_bytes));
        purge_pages(pages, left);
    }
}

static void purge_under_a_filter(void *nothing)
{
    (void)nothing;
    struct sock_filter code[] = {FILTER_BEGIN,
                                 FILTER_CALL(SYS_process_madvise, SECCOMP_RET_ERRNO | EPERM),
                                 FILTER_OTHERS(SECCOMP_RET_ALLOW)};
    have_threads();
    trap_filter(code, sizeof code / sizeof code[0]);
    can_purge_together = false;
    expect_calls(1 + RANGES);
    _exit(0);
}

Test(os_linux_threads, a_refused_call_is_not_made_again)
{
    const struct outcome *outcome = in_child(purge_under_a_filter, NULL);
    expect(outcome->signal == 0 && (outcome->code == 0 || outcome->code == 77), "%s",
           outcome->errors);
}

static bool main_thread_has_ended(void)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    FILE *file = fopen(path, "r");
    bool read = file != NULL && fread(text, 1, sizeof text - 1, file) > 0;
    if (file != NULL)
        fclose(file);
    return read && strstr(text, ") Z ") != NULL;
}

static void *purge_after_main_thread(void *nothing)
{
    (void)nothing;
    while (!main_thread_has_ended())
        sched_yield();
    expect_calls(1 + RANGES);
    _exit(0);
}

static void end_main_thread(void *nothing)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, purge_after_main_thread, nothing) == 0);
    pthread_exit(NULL);
}

Test(os_linux_threads, ranges_are_purged_together_after_the_main_thread_has_ended)
{
    succeed_in_child(end_main_thread, NULL);
}
