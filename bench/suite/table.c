// The table of all workloads: listing it, and reading a command line against it.
#include "hak_bench.h"

#include <stdio.h>
#include <string.h>

static const struct bench_family *const families[] = {
    &bench_basic,  &bench_calls,    &bench_threads,  &bench_remote,
    &bench_memory, &bench_scenario, &bench_compiler, &bench_latency,
};
enum { FAMILIES = sizeof families / sizeof *families };

static const struct {
    const char *name;
    uint64_t smallest, largest;
} parameters[BENCH_PARAMETERS] = {
    [BENCH_MIN] = {"min", 8, 1 << 30},         [BENCH_MAX] = {"max", 8, 1 << 30},
    [BENCH_SIZES] = {"sizes", 0, 0},           [BENCH_SLOTS] = {"slots", 1, 100000000},
    [BENCH_BATCH] = {"batch", 1, 100000000},   [BENCH_BATCH_MAX] = {"batch_max", 1, 100000000},
    [BENCH_WRITES] = {"writes", 1, 100000000}, [BENCH_MIB] = {"mib", 1, 1 << 20},
    [BENCH_PHASES] = {"phases", 1, 1000000},   [BENCH_WAIT_MS] = {"wait_ms", 0, 600000},
};

static const char *const sizes_names[] = {
    [BENCH_EVEN] = "even", [BENCH_POWERS] = "powers", [BENCH_PARETO] = "pareto"};

const struct bench_words bench_words[] = {
    [BENCH_MOPS] = {"Mops/s", "higher"}, [BENCH_NS_EACH] = {"ns", "lower"},
    [BENCH_MS_EACH] = {"ms", "lower"},   [BENCH_MS_TOTAL] = {"ms", "lower"},
    [BENCH_MIB_KEPT] = {"MiB", "lower"}, [BENCH_NS_P99] = {"ns", "lower"},
};

// ---- the list

void bench_print_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void print_member(const char *key, const char *text)
{
    printf("\"%s\":", key);
    bench_print_string(text);
    putchar(',');
}

static void print_threads(const unsigned *threads)
{
    printf("\"threads\":[%u", threads[0]);
    for (int i = 1; threads[i]; i++)
        printf(",%u", threads[i]);
    putchar(']');
}

static void print_parameters(const uint64_t *defaults)
{
    const char *comma = "";
    printf("\"parameters\":{");
    for (int i = 0; i < BENCH_PARAMETERS; i++) {
        if (!defaults[i])
            continue;
        printf("%s\"%s\":", comma, parameters[i].name);
        if (i == BENCH_SIZES)
            bench_print_string(sizes_names[defaults[i]]);
        else
            printf("%ju", (uintmax_t)defaults[i]);
        comma = ",";
    }
    printf("},");
}

static void print_case(const struct bench_case *c)
{
    putchar('{');
    print_member("title", c->title);
    print_member("arguments", c->arguments);
    if (c->threads[0]) {
        print_threads(c->threads);
        putchar(',');
    }
    printf("\"quick\":%s}", c->quick ? "true" : "false");
}

static void print_workload(const struct workload *workload)
{
    putchar('{');
    print_member("name", workload->name);
    print_member("group", workload->group);
    print_member("unit", bench_words[workload->measure].unit);
    print_member("better", bench_words[workload->measure].better);
    print_member("stands_for", workload->stands_for);
    print_member("stresses", workload->stresses);
    print_member("source", workload->source);
    print_threads(workload->threads);
    printf(",\"timed\":%s,", workload->once ? "false" : "true");
    print_parameters(workload->defaults);
    printf("\"cases\":[");
    for (const struct bench_case *c = workload->cases; c->title; c++) {
        printf("%s", c == workload->cases ? "" : ",");
        print_case(c);
    }
    printf("]}");
}

void bench_list(void)
{
    const char *before = "[";
    for (int f = 0; f < FAMILIES; f++) {
        for (size_t i = 0; i < families[f]->count; i++) {
            printf("%s", before);
            print_workload(&families[f]->workloads[i]);
            before = ",\n";
        }
    }
    printf("]\n");
}

// ---- the command line

static const struct workload *find(const char *name)
{
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < families[f]->count; i++)
            if (!strcmp(families[f]->workloads[i].name, name))
                return &families[f]->workloads[i];
    return NULL;
}

_Noreturn static void bad_argument(const char *argument, const char *why)
{
    char text[256];
    snprintf(text, sizeof text, "%s: %s", argument, why);
    bench_refuse(text);
}

static uint64_t parse_number(const char *argument, const char *text, uint64_t min, uint64_t max)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        bad_argument(argument, "not a whole number");
    if (number < min || number > max)
        bad_argument(argument, "out of range");
    return number;
}

static double parse_seconds(const char *argument, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > 0 && seconds <= 86400))
        bad_argument(argument, "not a time in seconds");
    return seconds;
}

static uint64_t parse_sizes(const char *argument, const char *text)
{
    for (uint64_t i = BENCH_EVEN; i <= BENCH_PARETO; i++)
        if (!strcmp(text, sizes_names[i]))
            return i;
    bad_argument(argument, "sizes is even, powers or pareto");
}

static void parse_parameter(struct bench_job *job, const char *argument, const char *text)
{
    size_t length = (size_t)(text - argument) - 1;
    for (int i = 0; i < BENCH_PARAMETERS; i++) {
        const char *name = parameters[i].name;
        if (!job->workload->defaults[i] || strlen(name) != length ||
            strncmp(argument, name, length) != 0)
            continue;
        job->value[i] = i == BENCH_SIZES ? parse_sizes(argument, text)
                                         : parse_number(argument, text, parameters[i].smallest,
                                                        parameters[i].largest);
        return;
    }
    bad_argument(argument, "not a parameter of this workload");
}

static void parse_argument(struct bench_job *job, const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (!equals)
        bad_argument(argument, "KEY=VALUE wanted");
    const char *text = equals + 1;
    if (!strncmp(argument, "seconds=", 8))
        job->seconds = parse_seconds(argument, text);
    else if (!strncmp(argument, "threads=", 8))
        job->threads = (unsigned)parse_number(argument, text, 1, BENCH_MAX_THREADS);
    else if (!strncmp(argument, "seed=", 5))
        job->seed = parse_number(argument, text, 0, UINT64_MAX);
    else
        parse_parameter(job, argument, text);
}

// Powers: each power of two from min to max as often as any other.  Pareto: half of the blocks have
// less than 2 min bytes, half of the others less than 4 min, and so on.
static void fill_size_table(struct bench_job *job)
{
    uint64_t min = job->value[BENCH_MIN], max = job->value[BENCH_MAX];
    unsigned powers = 1;
    while (min && min << powers <= max)
        powers++;
    for (unsigned i = 0; i < BENCH_SIZE_TABLE; i++) {
        uint64_t bytes = min * BENCH_SIZE_TABLE / (BENCH_SIZE_TABLE - i);
        if (job->value[BENCH_SIZES] == BENCH_POWERS)
            bytes = min << i % powers;
        job->size_table[i] = (uint32_t)(bytes < max ? bytes : max);
    }
}

struct bench_job bench_parse(int argc, char **argv)
{
    struct bench_job job = {.seconds = 1, .seed = 1};
    if (argc < 2)
        bench_refuse("usage: hak_bench WORKLOAD [KEY=VALUE]...");
    job.workload = find(argv[1]);
    if (!job.workload)
        bad_argument(argv[1], "no such workload");
    job.threads = job.workload->threads[0];
    memcpy(job.value, job.workload->defaults, sizeof job.value);
    for (int i = 2; i < argc; i++)
        parse_argument(&job, argv[i]);
    if (job.value[BENCH_MAX] < job.value[BENCH_MIN])
        bench_refuse("max is less than min");
    if (job.value[BENCH_BATCH_MAX] && job.value[BENCH_BATCH_MAX] < job.value[BENCH_BATCH])
        bench_refuse("batch_max is less than batch");
    while (!job.seed) // 0: another one each time; the result tells which
        job.seed = (uint64_t)(bench_now() * 1e9) % 1000000007;
    fill_size_table(&job);
    return job;
}
