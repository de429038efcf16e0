// What only the kernel refuses: the call says so, counts it once, and nothing else changes.
#include "box_test.h"
#include "hak_os_boundary.h"

#include <errno.h>

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
