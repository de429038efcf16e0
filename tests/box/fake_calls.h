// Scripted failures of the fake boundary.
#ifndef FAKE_CALLS_H
#define FAKE_CALLS_H

#include "box_test.h"
#include "hak_os_boundary_fake.h"

#include <limits.h>
#include <unistd.h>

static inline uint64_t kernel_calls(void)
{
    struct hak_os_counts counts = hak_os_counts();
    return counts.map + counts.unmap + counts.purge + counts.resize + counts.place;
}

struct failing {
    void (*scenario)(bool may_fail);
    unsigned successes, failures;
};

enum { NONE_LEFT_TO_FAIL = 2 };

static inline void run_failing(void *argument)
{
    struct failing *failing = argument;
    uint64_t before = kernel_calls();
    hak_fake_os_fail(failing->successes, failing->failures);
    failing->scenario(true);
    bool reached = kernel_calls() - before > failing->successes;
    hak_fake_os_fail(0, 0);
    failing->scenario(false);
    _exit(reached ? 0 : NONE_LEFT_TO_FAIL);
}

static inline unsigned fail_each(void (*scenario)(bool may_fail), unsigned failures)
{
    for (unsigned n = 0;; n++) {
        struct failing failing = {scenario, n, failures};
        const struct outcome *outcome = in_child(run_failing, &failing);
        if (outcome->code == NONE_LEFT_TO_FAIL)
            return n;
        expect(outcome->signal == 0 && outcome->code == 0,
               "call %u and %u more failed: signal %d, exit %d, stderr: %s", n, failures - 1,
               outcome->signal, outcome->code, outcome->errors);
    }
}

// Runs `scenario(true)` in fresh children: for each n, once with the n-th kernel call failing and
// once with all from the n-th on; after each, `scenario(false)` without failures, which has to
// succeed in all it does.  Returns the number of calls that could be failed singly.
static inline unsigned fail_each_call(void (*scenario)(bool may_fail))
{
    unsigned calls = fail_each(scenario, 1);
    fail_each(scenario, UINT_MAX);
    return calls;
}

// Repeats `scenario(false)` until it leaves as much mapped as it found.  The first rounds may make
// tables: how many depends on the addresses that the process gets.
static inline void expect_no_loss(void (*scenario)(bool may_fail))
{
    size_t lost = 1;
    for (unsigned round = 0; round < 5 && lost != 0; round++) {
        size_t before = hak_os_counts().mapped_bytes;
        scenario(false);
        lost = hak_os_counts().mapped_bytes - before;
    }
    expect(lost == 0, "%zu bytes lost in each round", lost);
}

#endif
