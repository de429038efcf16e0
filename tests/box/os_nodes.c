// Memory nodes over a kernel whose answers are played here: any machine is a large one.
#include "box_test.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "played_calls.h"

#include <errno.h>
#include <numaif.h>

enum { BYTES = 64 * 1024 };

static int policy_errno, own_policy, place_errno;
static unsigned long nodes[16]; // that the process may use
static unsigned asked, placed;
static unsigned long wanted; // the last placement's
static long mode;
static const unsigned *this_node; // of the calling thread; NULL: the kernel's answer

static long get_policy(int *ret_policy, unsigned long *ret_nodes, unsigned long bits,
                       const void *address, unsigned long flags)
{
    asked++;
    errno = policy_errno;
    if (policy_errno != 0)
        return -1;
    expect(address == NULL && flags == (ret_nodes != NULL ? MPOL_F_MEMS_ALLOWED : 0));
    if (ret_policy != NULL)
        *ret_policy = own_policy;
    if (ret_nodes != NULL) {
        expect(bits == 1024, "a kernel refuses to fill less than it has");
        memcpy(ret_nodes, nodes, sizeof nodes);
    }
    return 0;
}

static long bind(const void *start, unsigned long bytes, long policy, const unsigned long *mask,
                 unsigned long bits, unsigned long flags)
{
    expect(start != NULL && bytes == BYTES && bits == 65 && flags == 0);
    placed++;
    mode = policy;
    wanted = *mask;
    errno = place_errno;
    return place_errno == 0 ? 0 : -1;
}

static long play(long number, const long *a)
{
    if (number == SYS_get_mempolicy)
        return get_policy((int *)a[0], (unsigned long *)a[1], (unsigned long)a[2], (void *)a[3],
                          (unsigned long)a[4]);
    if (number == SYS_mbind)
        return bind((void *)a[0], (unsigned long)a[1], a[2], (unsigned long *)a[3],
                    (unsigned long)a[4], (unsigned long)a[5]);
    if (number == SYS_getcpu && this_node != NULL) {
        *(unsigned *)a[1] = *this_node;
        return 0;
    }
    return ask_kernel(number, a);
}

static char *memory;

static void two_nodes(void)
{
    hak_options.numa = 1;
    nodes[0] = 1 << 0 | 1 << 3;
    memory = hak_os_map(BYTES, BYTES);
    expect(memory != NULL);
}

TestSuite(os_nodes, .init = two_nodes);

// errno stays, and each call is counted.
static bool place(unsigned node)
{
    errno = 77;
    bool done = hak_os_place(memory, BYTES, node);
    expect(errno == 77 && hak_os_counts().place == placed);
    return done;
}

static void expect_no_choice(void)
{
    expect(!place(0) && !place(3) && !place(HAK_OS_EACH_NODE) && hak_os_node() == 0);
    expect(placed == 0, "%u", placed);
}

Test(os_nodes, memory_is_placed_where_it_is_wanted)
{
    expect(place(3) && mode == MPOL_PREFERRED && wanted == 1 << 3);
    expect(place(0) && mode == MPOL_PREFERRED && wanted == 1 << 0);
    expect(place(HAK_OS_EACH_NODE) && mode == MPOL_INTERLEAVE && wanted == (1 << 0 | 1 << 3));
    expect(asked == 2, "asked %u times", asked);
}

Test(os_nodes, the_threads_node_is_told)
{
    const unsigned numbers[] = {0, 3, 63, 64, 5000};
    for (unsigned i = 0; i < 5; i++) {
        this_node = &numbers[i];
        expect(hak_os_node() == (numbers[i] < HAK_OS_MAX_NODES ? numbers[i] : 0));
    }
    this_node = NULL;
    errno = 77;
    expect(hak_os_node() < HAK_OS_MAX_NODES && errno == 77);
}

Test(os_nodes, the_highest_node_counts)
{
    nodes[0] = 1 | 1UL << 63;
    expect(place(63) && wanted == 1UL << 63);
}

Test(os_nodes, a_node_without_memory_is_not_asked_for)
{
    expect(!place(1) && !place(63) && placed == 0);
}

Test(os_nodes, one_allowed_node_is_no_choice)
{
    nodes[0] = 1 << 3;
    expect_no_choice();
}

Test(os_nodes, higher_numbers_are_left_to_the_kernel)
{
    nodes[15] = 1;
    expect_no_choice();
}

Test(os_nodes, the_policy_of_the_process_stands)
{
    own_policy = MPOL_INTERLEAVE;
    expect_no_choice();
}

Test(os_nodes, a_kernel_that_does_not_tell_leaves_no_choice)
{
    policy_errno = EPERM;
    expect_no_choice();
    expect(asked == 1, "asked %u times", asked);
}

Test(os_nodes, the_option_leaves_no_choice)
{
    hak_options.numa = 0;
    expect_no_choice();
    expect(asked == 0, "asked %u times", asked);
}

Test(os_nodes, a_forbidden_call_is_not_repeated)
{
    place_errno = EPERM;
    expect(!place(0) && !place(3) && placed == 1);
}

Test(os_nodes, a_refused_call_is)
{
    place_errno = ENOMEM;
    expect(!place(0) && placed == 1);
    place_errno = 0;
    expect(place(0) && placed == 2);
}
