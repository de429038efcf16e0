// What an allocator keeps: each of these runs once, on the same blocks whichever malloc serves it.
#include "hak_bench.h"

// Blocks on a list through themselves, newest first.
struct item {
    struct item *next;
    size_t bytes;
};

struct list {
    struct item *first;
    size_t bytes;
};
static struct list lists[BENCH_MAX_THREADS];

static size_t share_bytes(const struct worker *w)
{
    return (w->job->value[BENCH_MIB] << 20) / w->job->threads;
}

static void push_item(struct list *list, size_t bytes)
{
    if (bytes < sizeof(struct item))
        bytes = sizeof(struct item);
    struct item *item = bench_get_bytes(bytes);
    *item = (struct item){list->first, bytes};
    list->first = item;
    list->bytes += bytes;
}

// Frees all but `keep` of 16 blocks, which ones is random.
static uint64_t thin(struct worker *w, struct list *list, unsigned keep)
{
    uint64_t freed = 0;
    struct item **link = &list->first;
    while (*link) {
        struct item *item = *link;
        if (bench_draw(w, 16) < keep) {
            link = &item->next;
            continue;
        }
        *link = item->next;
        list->bytes -= item->bytes;
        free(item);
        freed++;
    }
    return freed;
}

static void note_when_all_are_here(struct worker *w)
{
    bench_barrier();
    if (w->id == 0)
        bench_note_resident(w);
    bench_barrier();
}

static void memory_teardown(struct worker *w)
{
    thin(w, &lists[w->id], 0);
}

// ---- idle and sparse: fill, free all or most of it, wait

static uint64_t retain(struct worker *w, unsigned keep)
{
    struct list *list = &lists[w->id];
    while (list->bytes < share_bytes(w))
        push_item(list, bench_draw_bytes(w));
    bench_barrier(); // all threads have filled before any frees
    uint64_t freed = thin(w, list, keep);
    note_when_all_are_here(w);
    return freed;
}

static uint64_t idle_step(struct worker *w)
{
    return retain(w, 0);
}

static uint64_t sparse_step(struct worker *w)
{
    return retain(w, 1);
}

// ---- fragment: live memory stays while the sizes shift up by powers of two and down again

enum { SHIFTS = 8 };

static uint64_t fragment_step(struct worker *w)
{
    struct list *list = &lists[w->id];
    uint64_t freed = 0;
    for (unsigned phase = 0; phase < w->job->value[BENCH_PHASES]; phase++) {
        unsigned place = phase % (2 * SHIFTS - 2);
        unsigned shift = place < SHIFTS ? place : 2 * SHIFTS - 2 - place;
        freed += thin(w, list, 8);
        while (list->bytes < share_bytes(w))
            push_item(list, bench_draw_bytes(w) << shift);
    }
    note_when_all_are_here(w);
    return freed;
}

#define FRAGMENT                                                                                   \
    .group = "memory", .once = true, .step = fragment_step, .teardown = memory_teardown,           \
    .defaults = {BENCH_EVEN_BYTES(16, 64), [BENCH_MIB] = 32, [BENCH_PHASES] = 15}

#define RETAIN                                                                                     \
    .group = "memory", .measure = BENCH_MIB_KEPT, .once = true, .teardown = memory_teardown,       \
    .defaults = {[BENCH_MIN] = 64,                                                                 \
                 [BENCH_MAX] = 65536,                                                              \
                 [BENCH_SIZES] = BENCH_PARETO,                                                     \
                 [BENCH_MIB] = 128,                                                                \
                 [BENCH_WAIT_MS] = 300}

static const struct workload workloads[] = {
    {
        FRAGMENT,
        .name = "fragment",
        .measure = BENCH_MIB_KEPT,
        .threads = {1, 4},
        .cases = {{"32 MiB live, 15 phases", "", .quick = true, .threads = {1}},
                  {"32 MiB live, 15 phases", "", .quick = false, .threads = {4}}},
        .stands_for = "a long-running program whose object sizes change: resident MiB at its end",
        .stresses =
            "reuse of memory of one size class for another while half of the blocks survive",
        .source = "the fragmentation-over-time tests of allocator papers; live memory is constant",
    },
    {
        FRAGMENT,
        .name = "fragment_time",
        .measure = BENCH_MS_TOTAL,
        .threads = {1, 4},
        .cases = {{"32 MiB live, 15 phases", "", .quick = false}},
        .stands_for = "the same program: milliseconds for all of its phases",
        .stresses = "the price of reuse: splitting, merging, releasing and mapping",
        .source = "as fragment",
    },
    {
        RETAIN,
        .name = "idle",
        .threads = {1, 4},
        .cases = {{"128 MiB freed", "", .quick = true, .threads = {1}},
                  {"128 MiB freed", "", .quick = false, .threads = {4}}},
        .stands_for = "a program after its peak: resident MiB 0.3 s after it has freed everything",
        .stresses = "giving memory back to the kernel with nothing else going on",
        .source = "hakmem's bench-memory, which waits longer and tells lazily freed pages apart",
        .step = idle_step,
    },
    {
        RETAIN,
        .name = "sparse",
        .threads = {1},
        .cases = {{"128 MiB, 1 of 16 kept", "", .quick = true}},
        .stands_for =
            "a cache that has been emptied almost: resident MiB with one block of 16 left",
        .stresses = "giving back the pages between survivors; most of what remains is waste",
        .source = "hakmem's bench-memory: sparse heap",
        .step = sparse_step,
    },
};

BENCH_FAMILY(bench_memory, workloads);
