// The process around the allocator: start, fork, exit.
#include "hak_core.h"
#include "hak_hardening.h"
#include "hak_line.h"
#include "hak_lock.h"
#include "hak_nursery.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_stats.h"
#include "hak_upkeep.h"

#include <hakmem/version.h>
#include <pthread.h>
#include <unistd.h>

const char hak_process_linked;

static void child_after_fork(void)
{
    hak_heap_after_fork();
    hak_lock_drop_all();
    hak_upkeep_after_fork();
}

// A control group counts more than what hakmem maps: it gets a sixteenth less.
static size_t limit_bytes(void)
{
    if (hak_options.limit != HAK_OPTION_AUTO)
        return (size_t)hak_options.limit;
    size_t group = hak_os_group_limit();
    return group != SIZE_MAX ? group - group / 16 : 0;
}

// The library is linked -z initfirst: this runs before the constructors of all others, and before
// glibc has set `environ`, but glibc hands constructors main's arguments.
__attribute__((constructor(101))) static void process_starts(int argc, char **argv,
                                                             char **environment)
{
    (void)argc;
    (void)argv;
#ifndef __GLIBC__
    environment = environ; // others set it first, and hand over nothing
#endif
    hak_options_start(environment);
    hak_os_set_limit(limit_bytes());
    if (hak_hardening_on())
        hak_guarded_start();
    // Registered first of all, so that it runs last before the fork and first after it.
    pthread_atfork(hak_lock_take_all, hak_lock_drop_all, child_after_fork);
}

static void say_served(void)
{
    struct hak_stats stats = hak_stats_read();
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem " HAKMEM_VERSION ": served process ");
    hak_line_add_decimal(&line, (uint64_t)getpid());
    hak_line_add(&line, "; KiB mapped at most: ");
    hak_line_add_decimal(&line, stats.peak_bytes / 1024);
    hak_line_add(&line, "; memory system calls: ");
    hak_line_add_decimal(&line, stats.kernel_calls);
    hak_line_emit(&line);
}

// Emptying cache and inbox checks every block in them: a double free or a stray pointer that the
// program ended too early to notice is reported now.
__attribute__((destructor(101))) static void process_ends(void)
{
    struct hak_heap *heap = hak_heap_self;
    // A signal handler that calls exit may have interrupted us in the middle of something.
    if (hak_heap_is_bound(heap) && hak_inside == 0) {
        hak_heap_enter(heap);
        hak_front_empty(heap);
        hak_remote_drain(&heap->owner);
        hak_heap_leave(heap);
        hak_nursery_drain();
    }
    if (hak_options.verbose)
        say_served();
}
