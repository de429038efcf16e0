// What only the kernel refuses: the call says so, counts it once, and nothing else changes.
#include "box_test.h"
#include "hak_os_boundary.h"

#include "hak_option.h"

#include <errno.h>
#include <pthread.h>

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
    expect(!hak_os_want_large_pages(hole, BYTES) && !hak_os_peek(hole) && errno == 77);
    expect(hak_os_resize(hole, BYTES, 2 * BYTES, hole) == NULL && errno == 77);
    expect(hak_os_counts().mapped_bytes == 0);
}

enum { RANGES = 4 };

// Every other page of `pages`.  Returns the number of calls that purging them took.
static uint64_t purge_pages(char *pages, unsigned expected)
{
    size_t page_bytes = hak_os_page_bytes();
    struct hak_os_range ranges[RANGES];
    for (unsigned i = 0; i < RANGES; i++) {
        ranges[i] = (struct hak_os_range){pages + 2 * i * page_bytes, page_bytes};
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

static void *return_at_once(void *nothing)
{
    return nothing;
}

Test(os_linux, with_threads_ranges_are_purged_together_where_the_kernel_can)
{
    size_t bytes = 2 * RANGES * hak_os_page_bytes();
    char *pages = hak_os_map(bytes, hak_os_page_bytes());
    pthread_t thread;
    expect(pages != NULL && pthread_create(&thread, NULL, return_at_once, NULL) == 0);
    uint64_t calls = purge_pages(pages, RANGES);
    expect(calls == 1 || calls == RANGES || calls == 1 + RANGES, "refused and repeated");
    expect(purge_pages(pages, RANGES) == (calls == 1 ? 1 : RANGES), "not asked again");
    hak_options.purge_together = 0;
    expect(purge_pages(pages, RANGES) == RANGES);
    hak_options.purge_together = 1;
    expect(hak_os_unmap(pages + bytes / 2, bytes / 2));
    purge_pages(pages, RANGES / 2);
    pthread_join(thread, NULL);
}
