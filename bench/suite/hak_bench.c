// hak_bench: one workload of malloc and free, run for a given time and reported as a line of JSON.
// Knows nothing of hakmem: run it under different LD_PRELOADs.
//
//   hak_bench --list                  the workloads, as JSON
//   hak_bench WORKLOAD [KEY=VALUE]... runs one
// Exit status: 0, 1 the run failed, 2 wrong command line.
#include "hak_bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct worker workers[BENCH_MAX_THREADS];
static pthread_barrier_t barrier;
static struct bench_usage_counts at_start, at_end; // of the measured phase
static char output[8192];                          // stdio would take its buffer from malloc

void bench_fail(const char *what)
{
    fprintf(stderr, "hak_bench: %s\n", what);
    exit(1);
}

void bench_refuse(const char *what)
{
    fprintf(stderr, "hak_bench: %s (hak_bench --list shows workloads and parameters)\n", what);
    exit(2);
}

void bench_barrier(void)
{
    pthread_barrier_wait(&barrier);
}

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run_for(struct worker *w, double seconds)
{
    const struct workload *workload = w->job->workload;
    bench_barrier();
    double start = bench_now();
    w->operations = 0;
    do {
        w->operations += workload->step(w);
        w->seconds = bench_now() - start;
    } while (!workload->once && w->seconds < seconds);
}

static void measure(struct worker *w)
{
    if (!w->job->workload->once)
        run_for(w, w->job->seconds / 4); // warm up
    bench_barrier();
    w->measuring = true;
    if (w->id == 0)
        at_start = bench_usage_counts();
    run_for(w, w->job->seconds);
    bench_barrier();
    if (w->id == 0)
        at_end = bench_usage_counts();
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    const struct workload *workload = w->job->workload;
    if (workload->setup)
        workload->setup(w);
    measure(w);
    if (workload->teardown)
        workload->teardown(w);
    bench_barrier(); // others may look into our array until here
    bench_drop_array(w);
    return NULL;
}

// The first worker is the main thread: one worker is a process with a single thread.
static void run(const struct bench_job *job)
{
    pthread_barrier_init(&barrier, NULL, job->threads);
    for (unsigned i = 0; i < job->threads; i++) {
        workers[i] = (struct worker){.job = job, .id = i};
        bench_seed(&workers[i]);
    }
    for (unsigned i = 1; i < job->threads; i++)
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
            bench_fail("no thread");
    worker_main(&workers[0]);
    for (unsigned i = 1; i < job->threads; i++)
        pthread_join(workers[i].thread, NULL);
}

struct totals {
    double rate, longest_seconds, all_seconds;
    uint64_t operations;
};

static struct totals add_up(unsigned threads)
{
    struct totals sum = {0};
    for (const struct worker *w = workers; w < workers + threads; w++) {
        sum.rate += (double)w->operations / w->seconds;
        sum.operations += w->operations;
        sum.all_seconds += w->seconds;
        if (w->seconds > sum.longest_seconds)
            sum.longest_seconds = w->seconds;
    }
    return sum;
}

static double value_of(enum bench_measure measure, const struct totals *sum,
                       const struct bench_latency_ns *latency)
{
    double seconds_each = sum->all_seconds / (double)sum->operations;
    switch (measure) {
    case BENCH_MOPS:
        return sum->rate * 1e-6;
    case BENCH_NS_EACH:
        return seconds_each * 1e9;
    case BENCH_MS_EACH:
        return seconds_each * 1e3;
    case BENCH_MS_TOTAL:
        return sum->longest_seconds * 1e3;
    case BENCH_MIB_KEPT:
        return workers[0].resident_mib;
    case BENCH_NS_P99:
        return latency->p99;
    }
    return 0;
}

static void report(const struct bench_job *job)
{
    enum bench_measure measure = job->workload->measure;
    struct totals sum = add_up(job->threads);
    struct bench_latency_ns latency = {0};
    if (measure == BENCH_NS_P99)
        latency = bench_latency_result(job->threads);
    if (sum.operations == 0)
        bench_fail("not one operation in that time");
    printf("{\"workload\":\"%s\",\"threads\":%u,\"value\":%.6g,\"unit\":\"%s\",\"better\":\"%s\","
           "\"seconds\":%.4f,\"operations\":%ju,\"seed\":%ju,",
           job->workload->name, job->threads, value_of(measure, &sum, &latency),
           bench_words[measure].unit, bench_words[measure].better, sum.longest_seconds,
           (uintmax_t)sum.operations, (uintmax_t)job->seed);
    printf("\"peak_rss_kib\":%ld,\"end_rss_kib\":%ld,\"minor_faults\":%ld,"
           "\"voluntary_switches\":%ld,\"involuntary_switches\":%ld,\"malloc\":",
           bench_status_kib("VmHWM"), bench_status_kib("VmRSS"),
           at_end.minor_faults - at_start.minor_faults,
           at_end.voluntary_switches - at_start.voluntary_switches,
           at_end.involuntary_switches - at_start.involuntary_switches);
    bench_print_string(bench_malloc_library());
    if (measure == BENCH_NS_P99)
        printf(",\"latency_ns\":{\"p50\":%.6g,\"p99\":%.6g,\"p999\":%.6g,\"p9999\":%.6g,"
               "\"max\":%.6g}",
               latency.p50, latency.p99, latency.p999, latency.p9999, latency.max);
    printf("}\n");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, output, _IOFBF, sizeof output);
    if (argc == 2 && !strcmp(argv[1], BENCH_FEW_ALLOCATIONS))
        return bench_few_allocations();
    if (argc == 2 && !strcmp(argv[1], "--list")) {
        bench_list();
    } else {
        struct bench_job job = bench_parse(argc, argv);
        run(&job);
        report(&job);
    }
    if (fflush(stdout))
        bench_fail("cannot write the result");
    return 0;
}
