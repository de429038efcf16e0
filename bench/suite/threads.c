// Threads that come and go, and threads that write next to each other.
#include "hak_bench.h"

static void start_and_join(void *(*run)(void *), struct worker *w)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, w))
        bench_fail("no thread");
    pthread_join(thread, NULL);
}

// ---- larson: after `batch` replacements a thread ends, and a new one inherits its blocks.  The
// worker only waits for it.

static void *larson_life(void *argument)
{
    struct worker *w = argument;
    bench_replace(w, w->job->value[BENCH_BATCH], bench_get);
    return NULL;
}

static uint64_t larson_step(struct worker *w)
{
    start_and_join(larson_life, w);
    return w->job->value[BENCH_BATCH];
}

// ---- exchange: after each step living threads pass their slots on to each other

struct mailbox {
    _Alignas(BENCH_APART) void **_Atomic slots;
};
static struct mailbox mailboxes[BENCH_MAX_THREADS];

// Twice as many slots: one half to work on, one half in the mailbox.
static void exchange_setup(struct worker *w)
{
    size_t count = w->job->value[BENCH_SLOTS];
    w->slots = bench_array(w, 2 * count);
    for (size_t i = 0; i < 2 * count; i++)
        w->slots[i] = bench_get(w);
    atomic_store(&mailboxes[w->id].slots, w->slots + count);
}

static uint64_t exchange_step(struct worker *w)
{
    unsigned next = (w->id + 1) % w->job->threads;
    w->slots = atomic_exchange(&mailboxes[next].slots, w->slots);
    return bench_slots_step(w);
}

static void exchange_teardown(struct worker *w)
{
    bench_slots_free(w);
    w->slots = atomic_load(&mailboxes[w->id].slots);
    bench_slots_free(w);
}

// ---- thread_churn: a thread for each request

enum { CHURN_HELD = 64 };

static void *short_life(void *argument)
{
    struct worker *w = argument;
    void *held[CHURN_HELD] = {0};
    for (size_t i = 0; i < w->job->value[BENCH_BATCH]; i++) {
        free(held[i % CHURN_HELD]);
        held[i % CHURN_HELD] = bench_get(w);
    }
    for (int i = 0; i < CHURN_HELD; i++)
        free(held[i]);
    return NULL;
}

static uint64_t churn_step(struct worker *w)
{
    start_and_join(short_life, w);
    return 1;
}

// ---- cache_thrash and cache_scratch: a small block, written to many times, then the next

static uint64_t write_step(struct worker *w)
{
    enum { LIVES = 10 };
    uint64_t writes = w->job->value[BENCH_WRITES];
    for (int life = 0; life < LIVES; life++) {
        void *block = bench_get(w);
        for (uint64_t i = 0; i < writes; i++)
            ++*(volatile uint64_t *)block;
        free(block);
    }
    return LIVES * writes;
}

static void *neighbours[BENCH_MAX_THREADS];

// One thread makes a block for each, side by side; each frees its own and so may get it back.
static void scratch_setup(struct worker *w)
{
    if (w->id == 0)
        for (unsigned i = 0; i < w->job->threads; i++)
            neighbours[i] = bench_get(w);
    bench_barrier();
    free(neighbours[w->id]);
}

static const struct workload workloads[] = {
    {
        .name = "larson",
        .group = "threads",
        .threads = {1, 2, 4, 8},
        .defaults = {BENCH_EVEN_BYTES(8, 1024), [BENCH_SLOTS] = 1000, [BENCH_BATCH] = 100000},
        .cases = {{"tiny 8..128 B", "min=8 max=128", .quick = false},
                  {"small 8..1024 B", "", .quick = true, .threads = {1, 4}},
                  {"small 8..1024 B", "", .quick = false, .threads = {2, 8}},
                  {"mixed 8..2048 B", "min=8 max=2048", .quick = false},
                  {"small, random seed", "seed=0", .threads = {4}}},
        .stands_for = "a server whose threads end and leave their objects to their successors",
        .stresses =
            "replacing at random in each thread, thread exit, frees of an ended thread's blocks",
        .source =
            "Larson and Krishnan, Memory Allocation for Long-Running Server Applications, 1998",
        .setup = bench_slots_setup_full,
        .step = larson_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "exchange",
        .group = "threads",
        .threads = {2, 4},
        .defaults = {BENCH_EVEN_BYTES(8, 1000), [BENCH_SLOTS] = 1000},
        .cases = {{"8..1000 B, 1000 slots", "", .quick = false}},
        .stands_for = "workers that pass whole sets of objects on to each other",
        .stresses = "remote frees of all classes among local ones: one free in ten",
        .source = "between larson and sh8bench: objects migrate between living threads",
        .setup = exchange_setup,
        .step = exchange_step,
        .teardown = exchange_teardown,
    },
    {
        .name = "thread_churn",
        .group = "threads",
        .measure = BENCH_NS_EACH,
        .threads = {1, 4},
        .defaults = {BENCH_EVEN_BYTES(16, 1039), [BENCH_BATCH] = 200},
        .cases = {{"200 blocks a thread", "", .quick = true, .threads = {1}},
                  {"200 blocks a thread", "", .quick = false, .threads = {4}}},
        .stands_for = "a thread for each request: starts, allocates 200 blocks, frees them, ends",
        .stresses = "making, filling, emptying and adopting what an allocator keeps for a thread",
        .source = "the phases of mstress (mimalloc-bench), with very short lives",
        .step = churn_step,
    },
    {
        .name = "cache_thrash",
        .group = "threads",
        .threads = {2, 4},
        .defaults = {BENCH_EVEN_BYTES(8, 8), [BENCH_WRITES] = 1000},
        .cases = {{"8 B, 1000 writes", "", .quick = false}},
        .stands_for = "counters and flags that each thread has for itself",
        .stresses = "active false sharing: blocks of two threads cut from one cache line",
        .source = "cache-thrash of the Hoard benchmarks (Berger and others, 2000)",
        .step = write_step,
    },
    {
        .name = "cache_scratch",
        .group = "threads",
        .threads = {2, 4},
        .defaults = {BENCH_EVEN_BYTES(8, 8), [BENCH_WRITES] = 1000},
        .cases = {{"8 B, 1000 writes", "", .quick = false}},
        .stands_for = "small objects made by one thread, given to others and replaced there",
        .stresses =
            "passive false sharing: reusing freed blocks that share a line with other threads'",
        .source = "cache-scratch of the Hoard benchmarks (Berger and others, 2000)",
        .setup = scratch_setup,
        .step = write_step,
    },
};

BENCH_FAMILY(bench_threads, workloads);
