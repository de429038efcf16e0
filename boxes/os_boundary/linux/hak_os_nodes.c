// Memory nodes: libnuma's header, but raw system calls, because the library allocates.  The kernel
// is asked when the answer is first needed, which may be before any constructor has run.
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_os_count.h"

#include <errno.h>
#include <numaif.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    WORD_BITS = 64,
    WORDS = 16, // 1,024 nodes, the most that kernels are built for: they refuse to fill less
};

static const uint64_t NO_CHOICE = 1;
static _Atomic uint64_t xnodes; // bit n: the process may use node n; NO_CHOICE; 0: not asked yet
static _Atomic bool xrefused;   // the kernel places nothing (seccomp): not asked again

static long ask(int *ret_policy, unsigned long *ret_nodes, unsigned long bits, unsigned long flags)
{
    return syscall(SYS_get_mempolicy, ret_policy, ret_nodes, bits, NULL, flags);
}

// Who started the process may have chosen already (numactl --interleave, --membind): that stands.
static uint64_t ask_nodes(void)
{
    unsigned long nodes[WORDS] = {0};
    int policy = MPOL_DEFAULT;
    if (ask(&policy, NULL, 0, 0) != 0 || policy != MPOL_DEFAULT ||
        ask(NULL, nodes, WORDS * WORD_BITS, MPOL_F_MEMS_ALLOWED) != 0)
        return NO_CHOICE;
    for (unsigned word = HAK_OS_MAX_NODES / WORD_BITS; word < WORDS; word++) {
        if (nodes[word] != 0)
            return NO_CHOICE; // higher numbers than ours
    }
    return hak_popcount64(nodes[0]) > 1 ? nodes[0] : NO_CHOICE;
}

static uint64_t usable_nodes(void)
{
    if (hak_options.numa == 0)
        return NO_CHOICE;
    uint64_t nodes = atomic_load_explicit(&xnodes, memory_order_relaxed);
    if (nodes == 0) {
        int saved_errno = errno;
        nodes = ask_nodes();
        errno = saved_errno;
        atomic_store_explicit(&xnodes, nodes, memory_order_relaxed);
    }
    return nodes;
}

unsigned hak_os_node(void)
{
    unsigned node = 0;
    if (usable_nodes() == NO_CHOICE)
        return 0;
    int saved_errno = errno;
    (void)syscall(SYS_getcpu, NULL, &node, NULL); // refused: all threads are taken for node 0's
    errno = saved_errno;
    return node < HAK_OS_MAX_NODES ? node : 0;
}

bool hak_os_place(void *p, size_t bytes, unsigned node)
{
    uint64_t nodes = usable_nodes();
    unsigned long wanted = node == HAK_OS_EACH_NODE ? nodes : nodes & (uint64_t)1 << node;
    // Some nodes have processors but no memory for this process.
    if (nodes == NO_CHOICE || wanted == 0 || atomic_load_explicit(&xrefused, memory_order_relaxed))
        return false;
    int saved_errno = errno, policy = node == HAK_OS_EACH_NODE ? MPOL_INTERLEAVE : MPOL_PREFERRED;
    hak_os_count_call(HAK_OS_PLACE);
    // The kernel reads one bit less than it is told.
    bool done = syscall(SYS_mbind, p, bytes, (long)policy, &wanted, WORD_BITS + 1L, 0L) == 0;
    if (!done && (errno == EPERM || errno == ENOSYS))
        atomic_store_explicit(&xrefused, true, memory_order_relaxed);
    errno = saved_errno;
    return done;
}
