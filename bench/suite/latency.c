// How long single calls take: the distribution of malloc, or of free, over random replacements.
//
// Each call's time, less the median of an empty measurement, goes into a histogram in static
// memory, so that measuring does not allocate: 32 buckets for each power of two, an error of at
// most 1.6 %.
#include "hak_bench.h"

#include <time.h>

enum {
    SUB_BITS = 5,
    SUB_BUCKETS = 1 << SUB_BITS,
    BUCKETS = (64 - SUB_BITS + 1) * SUB_BUCKETS,
    CALIBRATIONS = 10000,
    LATENCY_STEP = 1000,
};

static struct histogram {
    _Alignas(BENCH_APART) uint64_t counts[BUCKETS];
    uint64_t total, max;
} histograms[BENCH_MAX_THREADS];

static uint64_t empty_ticks;
static double ns_per_tick;

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    __builtin_ia32_lfence(); // neither earlier nor later work moves past the clock
    uint64_t now = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return now;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

// ---- the histogram

// Values below 32 have a bucket each; above, the upper five bits after the first choose one.
static size_t bucket_of(uint64_t value)
{
    if (value < SUB_BUCKETS)
        return value;
    unsigned shift = 63 - SUB_BITS - (unsigned)__builtin_clzll(value);
    return (shift + 1) * SUB_BUCKETS + (size_t)(value >> shift) - SUB_BUCKETS;
}

static double middle_of(size_t bucket)
{
    if (bucket < SUB_BUCKETS)
        return (double)bucket;
    unsigned shift = (unsigned)(bucket / SUB_BUCKETS) - 1;
    double width = (double)((uint64_t)1 << shift);
    return (double)(SUB_BUCKETS + bucket % SUB_BUCKETS) * width + (width - 1) / 2;
}

static void record(struct histogram *h, uint64_t value)
{
    h->counts[bucket_of(value)]++;
    h->total++;
    if (value > h->max)
        h->max = value;
}

static double percentile(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)((double)h->total * part), seen = 0;
    size_t bucket = 0;
    while (bucket < BUCKETS - 1 && (seen += h->counts[bucket]) <= wanted)
        bucket++;
    double middle = middle_of(bucket);
    return (middle < (double)h->max ? middle : (double)h->max) * ns_per_tick;
}

// Adds the other threads' histograms to the first one.
struct bench_latency_ns bench_latency_result(unsigned threads)
{
    struct histogram *sum = &histograms[0];
    for (struct histogram *h = sum + 1; h < sum + threads; h++) {
        for (size_t i = 0; i < BUCKETS; i++)
            sum->counts[i] += h->counts[i];
        sum->total += h->total;
        if (h->max > sum->max)
            sum->max = h->max;
    }
    return (struct bench_latency_ns){
        .p50 = percentile(sum, 0.5),
        .p99 = percentile(sum, 0.99),
        .p999 = percentile(sum, 0.999),
        .p9999 = percentile(sum, 0.9999),
        .max = (double)sum->max * ns_per_tick,
    };
}

// ---- calibration

static void calibrate(void)
{
    double start = bench_now();
    uint64_t start_ticks = ticks();
    while (bench_now() - start < 0.02)
        continue;
    ns_per_tick = (bench_now() - start) * 1e9 / (double)(ticks() - start_ticks);

    struct histogram *h = &histograms[0]; // ours, and empty again afterwards
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t before = ticks();
        record(h, ticks() - before);
    }
    empty_ticks = (uint64_t)(percentile(h, 0.5) / ns_per_tick);
    *h = (struct histogram){0};
}

static void latency_setup(struct worker *w)
{
    if (w->id == 0)
        calibrate();
    bench_slots_setup_full(w);
}

// ---- the steps

static void record_since(struct worker *w, uint64_t before)
{
    uint64_t spent = ticks() - before;
    if (w->measuring)
        record(&histograms[w->id], spent > empty_ticks ? spent - empty_ticks : 0);
}

static uint64_t malloc_step(struct worker *w)
{
    for (int i = 0; i < LATENCY_STEP; i++) {
        void **slot = &w->slots[bench_draw(w, (uint32_t)w->job->value[BENCH_SLOTS])];
        size_t bytes = bench_draw_bytes(w);
        free(*slot);
        uint64_t before = ticks();
        *slot = malloc(bytes);
        record_since(w, before);
        bench_touch(*slot, bytes);
    }
    return LATENCY_STEP;
}

static uint64_t free_step(struct worker *w)
{
    for (int i = 0; i < LATENCY_STEP; i++) {
        void **slot = &w->slots[bench_draw(w, (uint32_t)w->job->value[BENCH_SLOTS])];
        uint64_t before = ticks();
        free(*slot);
        record_since(w, before);
        *slot = bench_get(w);
    }
    return LATENCY_STEP;
}

#define LATENCY                                                                                    \
    .group = "latency", .measure = BENCH_NS_P99, .threads = {1, 4}, .setup = latency_setup,        \
    .teardown = bench_slots_free,                                                                  \
    .defaults = {[BENCH_MIN] = 16,                                                                 \
                 [BENCH_MAX] = 16384,                                                              \
                 [BENCH_SIZES] = BENCH_PARETO,                                                     \
                 [BENCH_SLOTS] = 10000},                                                           \
    .cases = {{"16 B..16 KiB, 10k slots", "", .quick = true, .threads = {1}},                      \
              {"16 B..16 KiB, 10k slots", "", .quick = false, .threads = {4}}}

static const struct workload workloads[] = {
    {
        LATENCY,
        .name = "latency_malloc",
        .stands_for = "a program that must answer in time: p50 to p99.99 and worst of one malloc",
        .stresses = "the rare slow paths: refill, new slab, new chunk, system calls",
        .source = "tail latency as the field reports it; sizes as in pareto",
        .step = malloc_step,
    },
    {
        LATENCY,
        .name = "latency_free",
        .stands_for = "the same program: p50 to p99.99 and worst of one free",
        .stresses = "flush, release of empty slabs, giving memory back in the middle of work",
        .source = "as latency_malloc",
        .step = free_step,
    },
};

BENCH_FAMILY(bench_latency, workloads);
