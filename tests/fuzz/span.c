// Target: the span allocator against a plain set of spans.
#include "arena.h"
#include "fuzz.h"
#include "hak_option.h"
#include "hak_span.h"

enum { SPANS = 256, METADATA_BYTES = 1024 * 1024 };

static struct hak_span spans[SPANS]; // base NULL: none
static size_t live_bytes;
static struct fuzz_input *input;
static uint64_t operations;

static size_t bytes_of(const struct hak_span *span)
{
    return (size_t)span->granules * HAK_GRANULE_BYTES;
}

// The number of a span stands at both ends of each of its granules.
static uint64_t *end_of(const struct hak_span *span, unsigned granule, unsigned end)
{
    size_t last = HAK_GRANULE_BYTES - sizeof(uint64_t);
    return (uint64_t *)(void *)(span->base + (size_t)granule * HAK_GRANULE_BYTES + end * last);
}

static void take(unsigned number)
{
    struct hak_span *span = &spans[number];
    unsigned granules = 1 + fuzz_below(input, HAK_SLAB_MAX_GRANULES), refusals = arena_refusals();
    operations++;
    if (!hak_span_take(granules, number % 2 != 0, span)) {
        FUZZ_CHECK(refusals != arena_refusals(), "%u granules refused", granules);
        return;
    }
    FUZZ_CHECK(span->granules == granules && (uintptr_t)span->base % HAK_GRANULE_BYTES == 0,
               "%u granules at %p", span->granules, (void *)span->base);
    for (unsigned i = 0; i < 2 * granules; i++) {
        uint64_t *end = end_of(span, i / 2, i % 2);
        FUZZ_CHECK(!span->zero || *end == 0, "%p is not zero", (void *)end);
        *end = number + 1;
    }
    live_bytes += bytes_of(span);
}

static void give(unsigned number)
{
    struct hak_span *span = &spans[number];
    for (unsigned i = 0; i < 2 * span->granules; i++)
        FUZZ_CHECK(*end_of(span, i / 2, i % 2) == number + 1, "span %u is somebody else's", number);
    live_bytes -= bytes_of(span);
    hak_span_give(span);
    span->base = NULL;
    operations++;
}

static void change(void)
{
    unsigned number = fuzz_number(input, 1) % SPANS;
    if (spans[number].base != NULL)
        give(number);
    else
        take(number);
}

static void give_many(void)
{
    unsigned first = fuzz_number(input, 1), count = fuzz_number(input, 1);
    unsigned stride = 1 + fuzz_below(input, 5);
    for (unsigned i = 0; i < count; i++) {
        unsigned number = (first + i * stride) % SPANS;
        if (spans[number].base != NULL)
            give(number);
    }
}

static void check(void)
{
    hak_span_check();
    struct hak_span_totals totals = hak_span_totals();
    FUZZ_CHECK(totals.chunk_bytes - totals.free_bytes == live_bytes, "%zu KiB live, not %zu",
               (totals.chunk_bytes - totals.free_bytes) / 1024, live_bytes / 1024);
}

static void run_one(void)
{
    switch (fuzz_below(input, 16)) {
    case 0:
        arena_fail(input);
        break;
    case 1:
        arena_limit(input);
        break;
    case 2:
        arena_relent();
        break;
    case 3:
        hak_fake_os_advance(fuzz_number(input, 1) * 10);
        break;
    case 4:
        (void)hak_span_trim();
        operations++;
        break;
    case 5:
        give_many();
        break;
    default:
        change();
    }
}

static void choose_options(void)
{
    unsigned bits = fuzz_number(input, 2);
    hak_options.chunk_init = 1 + (bits & 7);
    hak_options.chunk_max = 1 + (bits >> 3 & 7);
    hak_options.chunk_growth = 1 + (bits >> 6 & 7);
    hak_options.dirty_mib = bits >> 9 & 31;
    hak_options.dirty_percent = (bits >> 14) * 10;
}

void fuzz_start(void)
{
}

uint64_t fuzz_run(struct fuzz_input *from)
{
    input = from;
    choose_options();
    while (input->at < input->end) {
        run_one();
        check();
    }
    arena_relent();
    for (unsigned number = 0; number < SPANS; number++) {
        if (spans[number].base != NULL)
            give(number);
    }
    (void)hak_span_trim();
    check();
    FUZZ_CHECK(hak_span_totals().chunks == 0, "%zu chunks left", hak_span_totals().chunks);
    FUZZ_CHECK(hak_os_counts().mapped_bytes <= METADATA_BYTES, "%zu KiB",
               hak_os_counts().mapped_bytes / 1024);
    return operations;
}
