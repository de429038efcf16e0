// remote: even threads allocate, odd threads free, so no block is freed where it was allocated.
#include "hak_bench.h"

#include <sched.h>

enum { RING = 16 };

// A batch is a list through the blocks themselves.
struct link {
    struct link *next;
};

// From one producer to one consumer.  `written` is the producer's, `taken` the consumer's.
static struct ring {
    _Alignas(BENCH_APART) _Atomic size_t written;
    _Alignas(BENCH_APART) _Atomic size_t taken;
    _Alignas(BENCH_APART) struct link *batches[RING];
} rings[BENCH_MAX_THREADS / 2];

// The n-th batch: `batch` blocks, then twice as many, ... up to `batch_max`, and from the start.
static size_t batch_blocks(const struct worker *w, size_t n)
{
    size_t smallest = w->job->value[BENCH_BATCH], steps = 1;
    while (smallest << steps <= w->job->value[BENCH_BATCH_MAX])
        steps++;
    return smallest << n % steps;
}

static struct link *make_batch(struct worker *w, size_t blocks)
{
    struct link *first = NULL;
    for (size_t i = 0; i < blocks; i++) {
        struct link *block = bench_get(w);
        block->next = first;
        first = block;
    }
    return first;
}

static uint64_t free_batch(struct link *block)
{
    uint64_t blocks = 0;
    for (; block; blocks++) {
        struct link *next = block->next;
        free(block);
        block = next;
    }
    return blocks;
}

static void produce(struct worker *w, struct ring *ring)
{
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    // acquire: pairs with the release in consume; the place is free
    if (written - atomic_load_explicit(&ring->taken, memory_order_acquire) == RING) {
        sched_yield();
        return;
    }
    ring->batches[written % RING] = make_batch(w, batch_blocks(w, written));
    // release: pairs with the acquire in consume; the batch is whole
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
}

static uint64_t consume(struct ring *ring)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (atomic_load_explicit(&ring->written, memory_order_acquire) == taken) {
        sched_yield();
        return 0;
    }
    uint64_t freed = free_batch(ring->batches[taken % RING]);
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return freed;
}

static void remote_setup(struct worker *w)
{
    if (w->job->threads % 2 && w->id == 0)
        bench_refuse("remote needs an even number of threads");
}

static uint64_t remote_step(struct worker *w)
{
    struct ring *ring = &rings[w->id / 2];
    if (w->id % 2)
        return consume(ring);
    produce(w, ring);
    return 0;
}

static void remote_teardown(struct worker *w)
{
    while (w->id % 2 && consume(&rings[w->id / 2]))
        continue;
}

static const struct workload workloads[] = {
    {
        .name = "remote",
        .group = "threads",
        .threads = {2, 4, 8},
        .defaults = {BENCH_EVEN_BYTES(64, 64), [BENCH_BATCH] = 256, [BENCH_BATCH_MAX] = 256},
        .cases = {{"64 B, batches of 256", "", .quick = true, .threads = {2}},
                  {"64 B, batches of 256", "", .quick = false, .threads = {4, 8}},
                  {"16..1039 B, batches of 256", "min=16 max=1039", .threads = {2, 4}},
                  {"64 B, batches 1..64k", "batch=1 batch_max=65536", .threads = {2, 4}}},
        .stands_for = "pipelines: producers allocate messages, consumers free them",
        .stresses = "remote frees alone; thread caches never see their own blocks again",
        .source = "xmalloc-test (Lever and Boreham, 2000; updated by C. Eder), in pairs of threads",
        .setup = remote_setup,
        .step = remote_step,
        .teardown = remote_teardown,
    },
};

BENCH_FAMILY(bench_remote, workloads);
