// One thread's bread and butter: malloc and free in various orders and sizes.
#include "hak_bench.h"

// ---- slots

void bench_slots_setup(struct worker *w)
{
    w->slots = bench_array(w, w->job->value[BENCH_SLOTS]);
}

void bench_slots_fill(struct worker *w)
{
    for (size_t i = 0; i < w->job->value[BENCH_SLOTS]; i++)
        w->slots[i] = bench_get(w);
}

void bench_slots_setup_full(struct worker *w)
{
    bench_slots_setup(w);
    bench_slots_fill(w);
}

void bench_slots_free(struct worker *w)
{
    for (size_t i = 0; i < w->job->value[BENCH_SLOTS]; i++)
        free(w->slots[i]);
}

uint64_t bench_slots_step(struct worker *w)
{
    return bench_replace(w, BENCH_STEP_OPERATIONS, bench_get);
}

uint64_t bench_few_slots_step(struct worker *w)
{
    bench_seed(w);
    return bench_replace(w, 16, bench_get);
}

// ---- pairs and batches

static uint64_t pair_step(struct worker *w)
{
    for (int i = 0; i < BENCH_STEP_OPERATIONS; i++)
        free(bench_get(w));
    return BENCH_STEP_OPERATIONS;
}

static uint64_t fifo_step(struct worker *w)
{
    uint64_t done = 0;
    for (; done < BENCH_STEP_OPERATIONS; done += w->job->value[BENCH_SLOTS]) {
        bench_slots_fill(w);
        bench_slots_free(w);
    }
    return done;
}

static uint64_t pool_step(struct worker *w)
{
    size_t count = w->job->value[BENCH_SLOTS];
    bench_slots_fill(w);
    for (size_t i = count; i > 0; i--)
        free(w->slots[i - 1]);
    return count;
}

// Batches as in pool, but short ones: many between two looks at the clock.
static uint64_t lifo_step(struct worker *w)
{
    uint64_t done = 0;
    while (done < BENCH_STEP_OPERATIONS)
        done += pool_step(w);
    return done;
}

// Grows to `slots` blocks; for each four made, one made earlier goes.  Then all go.
static uint64_t grow_step(struct worker *w)
{
    size_t count = w->job->value[BENCH_SLOTS];
    for (size_t i = 0; i < count; i++) {
        w->slots[i] = bench_get(w);
        if (i % 4 != 3)
            continue;
        void **early = &w->slots[bench_draw(w, (uint32_t)i)];
        free(*early);
        *early = NULL;
    }
    bench_slots_free(w);
    return count;
}

static const struct workload workloads[] = {
    {
        .name = "pair",
        .group = "basic",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(64, 64)},
        .cases = {{"16 B", "min=16 max=16", .quick = false},
                  {"64 B", "", .quick = true},
                  {"1 KiB", "min=1024 max=1024", .quick = false}},
        .stands_for = "temporary objects: a block is allocated, used and freed at once",
        .stresses = "the shortest path through malloc and free, with everything in the cache",
        .source = "the simplest test there is; glibc's benchtests have it as malloc-simple",
        .step = pair_step,
    },
    {
        .name = "fixed",
        .group = "basic",
        .threads = {1, 4},
        .defaults = {BENCH_EVEN_BYTES(16, 16), [BENCH_SLOTS] = 1000},
        .cases = {{"16 B, 1000 slots", "", .quick = false},
                  {"256 B, 1000 slots", "min=256 max=256", .quick = false}},
        .stands_for = "a container of equal nodes that come and go in any order",
        .stresses = "one size class alone: its free list, refill and flush",
        .source = "hakmem's founding benchmarks: fixed size",
        .setup = bench_slots_setup_full,
        .step = bench_slots_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "random",
        .group = "basic",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(16, 1039), [BENCH_SLOTS] = 256},
        .cases = {{"16..1039 B, 256 slots", "", .quick = true},
                  {"16..1039 B, 256 slots", "", .quick = false, .threads = {4}},
                  {"16..1039 B, 200k slots", "slots=200000", .quick = true},
                  {"128/256/512/1024 B, 256 slots", "sizes=powers min=128 max=1024",
                   .quick = false}},
        .stands_for = "a program that works on objects of many sizes, each for a random time",
        .stresses =
            "many size classes in turn; with 200,000 slots cache and TLB misses in metadata",
        .source = "hakmem's founding benchmarks: random mixed",
        .setup = bench_slots_setup_full,
        .step = bench_slots_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "fifo",
        .group = "basic",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(48, 48), [BENCH_SLOTS] = 100000},
        .cases = {{"1000 x 48 B", "slots=1000", .quick = false},
                  {"100k x 48 B", "", .quick = true},
                  {"1M x 48 B", "slots=1000000", .quick = false}},
        .stands_for = "queues and phases: everything is made, then freed in the order it was made",
        .stresses = "refill and flush of thread caches, and the return of memory between batches",
        .source = "a pattern of sh6bench (MicroQuill), alone",
        .setup = bench_slots_setup,
        .step = fifo_step,
    },
    {
        .name = "lifo",
        .group = "basic",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(48, 48), [BENCH_SLOTS] = 100000},
        .cases = {{"1000 x 48 B", "slots=1000", .quick = false},
                  {"100k x 48 B", "", .quick = false},
                  {"1M x 48 B", "slots=1000000", .quick = false}},
        .stands_for = "recursion and stacks: what was made last is freed first",
        .stresses = "reuse of warm blocks; the same batches as fifo, in the opposite order",
        .source = "the other pattern of sh6bench (MicroQuill), alone",
        .setup = bench_slots_setup,
        .step = lifo_step,
    },
    {
        .name = "pareto",
        .group = "basic",
        .threads = {1, 4},
        .defaults = {[BENCH_MIN] = 16,
                     [BENCH_MAX] = 16384,
                     [BENCH_SIZES] = BENCH_PARETO,
                     [BENCH_SLOTS] = 10000},
        .cases = {{"16 B..16 KiB, 10k blocks", "", .quick = false}},
        .stands_for = "building up a data structure: mostly malloc, sizes spread as in the wild",
        .stresses = "fresh memory: carving slabs, refill, a few large among very many small blocks",
        .source = "alloc-test (OLogN Technologies), which draws from Pareto distributions",
        .setup = bench_slots_setup,
        .step = grow_step,
    },
    {
        .name = "mid",
        .group = "large",
        .threads = {1, 2, 4, 8},
        .defaults = {BENCH_EVEN_BYTES(8192, 32768), [BENCH_SLOTS] = 64},
        .cases = {{"8..32 KiB, 64 slots", "", .quick = false}},
        .stands_for = "input and output buffers, in use by several threads",
        .stresses = "classes above a page, which thread caches can hold only a few of",
        .source = "hakmem's founding benchmarks: mid, multi-threaded",
        .setup = bench_slots_setup_full,
        .step = bench_slots_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "large",
        .group = "large",
        .threads = {1, 4},
        .defaults = {BENCH_EVEN_BYTES(65536, 4194304), [BENCH_SLOTS] = 16},
        .cases = {{"64 KiB..4 MiB, 16 slots", "", .quick = true, .threads = {1}},
                  {"64 KiB..4 MiB, 16 slots", "", .quick = false, .threads = {4}}},
        .stands_for = "images, matrices, messages: large blocks of many sizes, each touched",
        .stresses = "caching of mappings, page faults, and memory calls of the kernel",
        .source = "hakmem's founding benchmarks: large; malloc-large of mimalloc-bench",
        .setup = bench_slots_setup_full,
        .step = bench_few_slots_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "pool",
        .group = "large",
        .threads = {1, 4},
        .defaults = {BENCH_EVEN_BYTES(2048, 524288), [BENCH_SLOTS] = 16},
        .cases = {{"2..512 KiB, 16 at a time", "", .quick = true, .threads = {1}},
                  {"2..512 KiB, 16 at a time", "", .quick = false, .threads = {4}}},
        .stands_for = "work buffers that each thread takes and gives back again and again",
        .stresses = "per-thread reuse between the small classes and the mappings",
        .source = "hakmem's founding benchmarks: pool TLS",
        .setup = bench_slots_setup,
        .step = pool_step,
    },
};

BENCH_FAMILY(bench_basic, workloads);
