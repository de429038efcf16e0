// What the families of workloads share: the table's row, a worker, drawing sizes, getting blocks.
//
// The frame (hak_bench.c) starts the workers; each does setup, steps for a quarter of the time as
// warm-up, steps for the whole time, teardown, with a barrier between these.  A step takes some
// 10 us to some ms and returns how many operations it has done.  The program's own arrays come from
// mmap or are static: all that malloc sees is the workload.
#ifndef HAK_BENCH_H
#define HAK_BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    BENCH_MAX_THREADS = 64,
    BENCH_STEP_OPERATIONS = 10000, // of short operations, so that reading the clock costs nothing
    BENCH_APART = 128,             // bytes: two cache lines, which are fetched in pairs
    BENCH_SIZE_TABLE = 1024,
    BENCH_PAGE_BYTES = 4096,
};

// What a workload takes besides seconds, threads and seed.
enum bench_parameter {
    BENCH_MIN, // smallest and largest block in bytes
    BENCH_MAX,
    BENCH_SIZES, // how sizes spread between these, enum bench_sizes
    BENCH_SLOTS, // blocks held at a time, by each thread
    BENCH_BATCH,
    BENCH_BATCH_MAX,
    BENCH_WRITES,
    BENCH_MIB, // live memory of the process
    BENCH_PHASES,
    BENCH_WAIT_MS,
    BENCH_PARAMETERS
};

enum bench_sizes { BENCH_EVEN = 1, BENCH_POWERS, BENCH_PARETO };
#define BENCH_EVEN_BYTES(min, max)                                                                 \
    [BENCH_MIN] = (min), [BENCH_MAX] = (max), [BENCH_SIZES] = BENCH_EVEN

// How operations and seconds become the value reported.
enum bench_measure {
    BENCH_MOPS,     // million operations a second, all threads together
    BENCH_NS_EACH,  // nanoseconds an operation
    BENCH_MS_EACH,  // milliseconds an operation
    BENCH_MS_TOTAL, // milliseconds for everything
    BENCH_MIB_KEPT, // what the first worker has noted with bench_note_resident
    BENCH_NS_P99,   // from the histogram of latency.c
};

struct worker;

struct bench_case { // a row of the suite
    const char *title, *arguments;
    bool quick;          // part of the quick suite
    unsigned threads[5]; // instead of the workload's; 0 ends
};

struct workload {
    const char *name, *group;
    enum bench_measure measure;
    bool once;           // the first step does it all, however long it takes; no warm-up
    unsigned threads[5]; // thread counts to run with; 0 ends
    uint64_t defaults[BENCH_PARAMETERS]; // 0: not a parameter of this workload
    struct bench_case cases[6];          // a NULL title ends
    const char *stands_for, *stresses, *source;
    void (*setup)(struct worker *); // NULL: nothing to do
    uint64_t (*step)(struct worker *);
    void (*teardown)(struct worker *);
};

struct bench_family {
    const struct workload *workloads;
    size_t count;
};
#define BENCH_FAMILY(name, table)                                                                  \
    const struct bench_family name = {table, sizeof(table) / sizeof *(table)}

struct bench_job { // a workload with the parameters of this run
    const struct workload *workload;
    double seconds;
    unsigned threads;
    uint64_t seed;
    uint64_t value[BENCH_PARAMETERS];
    uint32_t size_table[BENCH_SIZE_TABLE]; // quantiles of the sizes, unless they are even
};

struct bench_mapping {
    void *start;
    size_t bytes;
};

struct worker {
    _Alignas(BENCH_APART) const struct bench_job *job;
    unsigned id;
    bool measuring; // false while warming up
    uint64_t random;
    void **slots;
    uint64_t operations;
    double seconds;
    double resident_mib;        // set by bench_note_resident
    struct bench_mapping array; // of the last bench_array, unmapped by the frame
    pthread_t thread;
};

// ---- the frame

_Noreturn void bench_fail(const char *what);   // the run failed: exit status 1
_Noreturn void bench_refuse(const char *what); // the command line is wrong: exit status 2
void bench_barrier(void);                      // all workers; in setup, and in steps that run once
double bench_now(void);                        // seconds

// ---- the process

struct bench_usage_counts {
    long minor_faults, voluntary_switches, involuntary_switches; // children included
};

struct bench_usage_counts bench_usage_counts(void);
long bench_status_kib(const char *field); // of /proc/self/status: VmHWM, VmRSS
const char *bench_malloc_library(void);   // path of what serves malloc

// Waits wait_ms, if the workload has that parameter; then RSS becomes the worker's result.
void bench_note_resident(struct worker *w);

// Zeroed memory for `count` pointers, kept until after teardown.  At most one a worker.
void **bench_array(struct worker *w, size_t count);
void bench_drop_array(struct worker *w);

// ---- the table and the command line

extern const struct bench_family bench_basic, bench_calls, bench_threads, bench_remote,
    bench_scenario, bench_compiler, bench_memory, bench_latency;

extern const struct bench_words {
    const char *unit, *better;
} bench_words[]; // for each measure
void bench_list(void);
struct bench_job bench_parse(int argc, char **argv);
void bench_print_string(const char *text); // as JSON

#define BENCH_FEW_ALLOCATIONS "--few-allocations" // what a process of cold_start is told
int bench_few_allocations(void);

struct bench_latency_ns {
    double p50, p99, p999, p9999, max;
};
struct bench_latency_ns bench_latency_result(unsigned threads);

// ---- random numbers, sizes, blocks

// Starts the worker's random numbers anew; each worker and each seed has others.
static inline void bench_seed(struct worker *w)
{
    w->random = (w->job->seed + w->id + 1) * 0x9e3779b97f4a7c15U | 1; // not 0, which would stay 0
}

static inline uint32_t bench_draw(struct worker *w, uint32_t below)
{ // xorshift64*, upper half
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    uint64_t high = (w->random * 0x2545f4914f6cdd1dU) >> 32;
    return (uint32_t)(high * below >> 32);
}

static inline size_t bench_draw_between(struct worker *w, size_t min, size_t max)
{
    return min + bench_draw(w, (uint32_t)(max - min + 1));
}

static inline size_t bench_draw_bytes(struct worker *w)
{
    const struct bench_job *job = w->job;
    if (job->value[BENCH_SIZES] != BENCH_EVEN)
        return job->size_table[bench_draw(w, BENCH_SIZE_TABLE)];
    size_t min = job->value[BENCH_MIN], max = job->value[BENCH_MAX];
    return max > min ? bench_draw_between(w, min, max) : min;
}

// A block nobody touches is no work: writes the first byte of it and of each further page.
static inline void *bench_touch(void *block, size_t bytes)
{
    if (!block)
        bench_fail("out of memory");
    volatile char *p = block;
    size_t i = 0;
    do {
        p[i] = 1;
        i += BENCH_PAGE_BYTES;
    } while (i < bytes);
    return block;
}

static inline void *bench_get_bytes(size_t bytes)
{
    return bench_touch(malloc(bytes), bytes);
}

static inline void *bench_get(struct worker *w)
{
    return bench_get_bytes(bench_draw_bytes(w));
}

// ---- slots: w->slots[0 .. slots - 1], each NULL or a block

void bench_slots_setup(struct worker *w);      // empty
void bench_slots_setup_full(struct worker *w); // with a block in each
void bench_slots_fill(struct worker *w);
void bench_slots_free(struct worker *w);     // in the order of the slots
uint64_t bench_slots_step(struct worker *w); // replaces blocks in random slots
// The same few replacements in each step: a run has too few large blocks for chance to even out.
uint64_t bench_few_slots_step(struct worker *w);

// Replaces the blocks in `count` random slots by what `get` makes; inline, so that `get` is too.
static inline uint64_t bench_replace(struct worker *w, size_t count, void *(*get)(struct worker *))
{
    for (size_t i = 0; i < count; i++) {
        void **slot = &w->slots[bench_draw(w, (uint32_t)w->job->value[BENCH_SLOTS])];
        free(*slot);
        *slot = get(w);
    }
    return count;
}

#endif
