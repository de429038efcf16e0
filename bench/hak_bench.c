// hak_bench: one workload of malloc and free, run for a given time and reported on one line.
// Knows nothing of hakmem: run it under different LD_PRELOADs (bench/run_bench.py does).
//
// A workload is a row of the table at the end: setup, step, teardown. Each thread calls step until
// the time is up; a step takes some 10 us to some ms and returns how many blocks it has freed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, BATCH = 256, RING = 16, STEP_OPS = 10000, CACHE_LINE = 64 };

struct worker;
struct workload {
    const char *name;
    size_t min_bytes, max_bytes; // sizes are drawn evenly from this range
    size_t slots;                // blocks held at a time, by each thread
    unsigned threads;
    void (*setup)(struct worker *);
    uint64_t (*step)(struct worker *);
    void (*teardown)(struct worker *);
};

struct worker {
    _Alignas(2 * CACHE_LINE) const struct workload *job;
    unsigned id;
    uint64_t random;
    void **slots;
    uint64_t freed;
    double seconds;
    pthread_t thread;
};

static struct worker workers[MAX_THREADS];
static unsigned worker_count;
static double run_seconds = 1.0;
static pthread_barrier_t start_line;

static void fail(const char *what)
{
    fprintf(stderr, "hak_bench: %s\n", what);
    exit(2);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint32_t draw(struct worker *w, uint32_t below)
{ // xorshift64*, upper half
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    uint64_t high = (w->random * 0x2545f4914f6cdd1dU) >> 32;
    return (uint32_t)(high * below >> 32);
}

static void *get_block(struct worker *w)
{
    const struct workload *job = w->job;
    size_t bytes = job->min_bytes;
    if (job->max_bytes > bytes)
        bytes += draw(w, (uint32_t)(job->max_bytes - bytes + 1));
    char *block = malloc(bytes);
    if (!block)
        fail("out of memory");
    *(volatile char *)block = 1; // a block nobody touches is no work
    return block;
}

static void slots_setup(struct worker *w)
{
    w->slots = calloc(w->job->slots, sizeof *w->slots);
    if (!w->slots)
        fail("out of memory");
}

static void slots_setup_full(struct worker *w)
{
    slots_setup(w);
    for (size_t i = 0; i < w->job->slots; i++)
        w->slots[i] = get_block(w);
}

static void slots_teardown(struct worker *w)
{
    for (size_t i = 0; i < w->job->slots; i++)
        free(w->slots[i]);
    free(w->slots);
}

// ---- pair: malloc and free of one block at a time

static uint64_t pair_step(struct worker *w)
{
    for (int i = 0; i < STEP_OPS; i++)
        free(get_block(w));
    return STEP_OPS;
}

// ---- fifo: N blocks allocated, then freed in the same order

static uint64_t fifo_step(struct worker *w)
{
    size_t count = w->job->slots;
    for (size_t i = 0; i < count; i++)
        w->slots[i] = get_block(w);
    for (size_t i = 0; i < count; i++)
        free(w->slots[i]);
    memset(w->slots, 0, count * sizeof *w->slots);
    return count;
}

// ---- random: a block in a random slot is replaced by one of a random size

static uint64_t random_step(struct worker *w)
{
    for (int i = 0; i < STEP_OPS; i++) {
        void **slot = &w->slots[draw(w, (uint32_t)w->job->slots)];
        free(*slot);
        *slot = get_block(w);
    }
    return STEP_OPS;
}

// ---- larson: the same, and after each step the threads pass their slots on to each other

struct mailbox {
    _Alignas(2 * CACHE_LINE) void **_Atomic slots;
};
static struct mailbox mailboxes[MAX_THREADS];

static void larson_setup(struct worker *w)
{
    slots_setup_full(w);
    atomic_store(&mailboxes[w->id].slots, w->slots);
    slots_setup_full(w);
}

static uint64_t larson_step(struct worker *w)
{
    unsigned next = (w->id + 1) % worker_count;
    w->slots = atomic_exchange(&mailboxes[next].slots, w->slots);
    return random_step(w);
}

static void larson_teardown(struct worker *w)
{
    slots_teardown(w);
    w->slots = atomic_load(&mailboxes[w->id].slots);
    slots_teardown(w);
}

// ---- remote: even threads allocate, odd threads free: no block is freed where it was allocated

static struct ring {
    _Alignas(2 * CACHE_LINE) _Atomic size_t written;
    _Alignas(2 * CACHE_LINE) _Atomic size_t taken;
    _Alignas(2 * CACHE_LINE) void *batches[RING][BATCH];
} rings[MAX_THREADS / 2];

static uint64_t remote_produce(struct worker *w, struct ring *ring)
{
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    if (written - atomic_load_explicit(&ring->taken, memory_order_acquire) == RING) {
        sched_yield();
        return 0;
    }
    for (size_t i = 0; i < BATCH; i++)
        ring->batches[written % RING][i] = get_block(w);
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    return 0;
}

static uint64_t remote_consume(struct ring *ring)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (atomic_load_explicit(&ring->written, memory_order_acquire) == taken) {
        sched_yield();
        return 0;
    }
    for (size_t i = 0; i < BATCH; i++)
        free(ring->batches[taken % RING][i]);
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return BATCH;
}

static uint64_t remote_step(struct worker *w)
{
    struct ring *ring = &rings[w->id / 2];
    return w->id % 2 ? remote_consume(ring) : remote_produce(w, ring);
}

static void remote_setup(struct worker *w)
{
    (void)w;
    if (worker_count % 2)
        fail("remote needs an even number of threads");
}

static void remote_teardown(struct worker *w)
{
    while (w->id % 2 && remote_consume(&rings[w->id / 2]))
        continue;
}

// ---- the table and the frame around it

static void nothing(struct worker *w)
{
    (void)w;
}

static const struct workload workloads[] = {
    // name, smallest and largest block, blocks held, threads
    {"pair", 64, 64, 1, 1, nothing, pair_step, nothing},
    {"fifo", 48, 48, 100000, 1, slots_setup, fifo_step, slots_teardown},
    {"random", 16, 1039, 256, 1, slots_setup_full, random_step, slots_teardown},
    {"larson", 8, 1000, 1000, 2, larson_setup, larson_step, larson_teardown},
    {"remote", 64, 64, 1, 2, remote_setup, remote_step, remote_teardown},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static void run_for(struct worker *w, double seconds)
{
    pthread_barrier_wait(&start_line);
    double start = now();
    w->freed = 0;
    do {
        w->freed += w->job->step(w);
        w->seconds = now() - start;
    } while (w->seconds < seconds);
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    w->job->setup(w);
    run_for(w, run_seconds / 4); // warm up
    run_for(w, run_seconds);
    pthread_barrier_wait(&start_line);
    w->job->teardown(w);
    return NULL;
}

// Not getrusage: its ru_maxrss starts at the size of the process that forked us.
static long peak_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld", &kib);
    if (status)
        fclose(status);
    return kib;
}

static void usage(void)
{
    fprintf(stderr, "usage: hak_bench WORKLOAD [seconds=S] [min=BYTES] [max=BYTES] [slots=N] "
                    "[threads=N]\nworkloads:");
    for (int i = 0; i < WORKLOADS; i++)
        fprintf(stderr, " %s", workloads[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static struct workload parse(int argc, char **argv)
{
    const struct workload *found = NULL;
    for (int i = 0; i < WORKLOADS && argc > 1; i++)
        if (!strcmp(argv[1], workloads[i].name))
            found = &workloads[i];
    if (!found)
        usage();
    struct workload job = *found;
    for (int i = 2; i < argc; i++) {
        bool known = sscanf(argv[i], "seconds=%lf", &run_seconds) == 1 ||
                     sscanf(argv[i], "min=%zu", &job.min_bytes) == 1 ||
                     sscanf(argv[i], "max=%zu", &job.max_bytes) == 1 ||
                     sscanf(argv[i], "slots=%zu", &job.slots) == 1 ||
                     sscanf(argv[i], "threads=%u", &job.threads) == 1;
        if (!known)
            usage();
    }
    if (!job.min_bytes || job.max_bytes < job.min_bytes || job.max_bytes > UINT32_MAX / 2 ||
        !job.slots || job.slots > UINT32_MAX || !job.threads || job.threads > MAX_THREADS)
        usage();
    return job;
}

int main(int argc, char **argv)
{
    struct workload job = parse(argc, argv);
    worker_count = job.threads;
    pthread_barrier_init(&start_line, NULL, worker_count);
    for (unsigned i = 0; i < worker_count; i++) {
        workers[i] = (struct worker){.job = &job, .id = i, .random = 0x9e3779b97f4a7c15U * (i + 1)};
        if (i && pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
            fail("no thread");
    }
    worker_main(&workers[0]); // a single-threaded workload stays a single-threaded process

    double rate = 0;
    for (unsigned i = 0; i < worker_count; i++) {
        if (i)
            pthread_join(workers[i].thread, NULL);
        rate += (double)workers[i].freed / workers[i].seconds;
    }
    Dl_info owner = {0};
    dladdr((void *)(uintptr_t)malloc, &owner);
    printf("workload=%s threads=%u mops=%.3f ns=%.3f peak_kib=%ld malloc=%s\n", job.name,
           worker_count, rate * 1e-6, 1e9 / rate, peak_kib(), owner.dli_fname);
    return 0;
}
