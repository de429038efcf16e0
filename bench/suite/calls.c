// The other calls: realloc, posix_memalign, calloc.
#include "hak_bench.h"

#include <string.h>

// ---- realloc: `slots` vectors grow in turn by half, as containers do

// Until the vectors have reached `max`; touches what each call has added.
static uint64_t realloc_step(struct worker *w)
{
    size_t bytes = w->job->value[BENCH_MIN], old_bytes = 0, max = w->job->value[BENCH_MAX];
    size_t count = w->job->value[BENCH_SLOTS], done = 0;
    while (bytes <= max) {
        for (size_t i = 0; i < count; i++, done++) {
            w->slots[i] = realloc(w->slots[i], bytes);
            if (!w->slots[i])
                bench_fail("out of memory");
            bench_touch((char *)w->slots[i] + old_bytes, bytes - old_bytes);
        }
        old_bytes = bytes;
        bytes += bytes / 2;
    }
    bench_slots_free(w);
    memset(w->slots, 0, count * sizeof *w->slots);
    return done;
}

// ---- posix_memalign and calloc into slots

static void *get_aligned(struct worker *w)
{
    size_t alignment = (size_t)16 << bench_draw(w, 9); // 16 to 4096
    size_t bytes = bench_draw_bytes(w);
    void *block;
    if (posix_memalign(&block, alignment, bytes))
        bench_fail("out of memory");
    return bench_touch(block, bytes);
}

static uint64_t aligned_step(struct worker *w)
{
    return bench_replace(w, BENCH_STEP_OPERATIONS / 10, get_aligned);
}

static void *get_zeroed(struct worker *w)
{
    size_t bytes = bench_draw_bytes(w);
    return bench_touch(calloc(1, bytes), bytes);
}

static uint64_t calloc_step(struct worker *w)
{
    return bench_replace(w, BENCH_STEP_OPERATIONS / 100, get_zeroed);
}

static const struct workload workloads[] = {
    {
        .name = "realloc",
        .group = "calls",
        .threads = {1},
        .defaults = {[BENCH_MIN] = 16, [BENCH_MAX] = 65536, [BENCH_SLOTS] = 8},
        .cases = {{"8 vectors, 16 B..64 KiB", "", .quick = true},
                  {"1 buffer, 4 KiB..64 MiB", "slots=1 min=4096 max=67108864", .quick = false}},
        .stands_for = "vectors and strings that grow by half while they are filled",
        .stresses = "growing in place, moving pages instead of copying, the copy itself",
        .source = "the growth of containers in C++ and Rust libraries, interleaved",
        .setup = bench_slots_setup,
        .step = realloc_step,
    },
    {
        .name = "aligned",
        .group = "calls",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(16, 8192), [BENCH_SLOTS] = 1000},
        .cases = {{"16 B..8 KiB to 16..4096 B", "", .quick = false}},
        .stands_for = "vector code and direct I/O: posix_memalign to 16 bytes up to a page",
        .stresses = "the search for an aligned place, and the memory it wastes",
        .source = "random, with the alignments of aligned_alloc's users",
        .setup = bench_slots_setup_full,
        .step = aligned_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "calloc",
        .group = "calls",
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(16, 1039), [BENCH_SLOTS] = 1000},
        .cases = {{"16..1039 B", "", .quick = true},
                  {"64 KiB..1 MiB", "slots=16 min=65536 max=1048576", .quick = false}},
        .stands_for = "tables and structures that must start as zero",
        .stresses = "clearing, and knowing which memory is still zero and need not be cleared",
        .source = "random, through calloc",
        .setup = bench_slots_setup_full,
        .step = calloc_step,
        .teardown = bench_slots_free,
    },
};

BENCH_FAMILY(bench_calls, workloads);
