// Small models of whole programs: json, vm, mixed, and starting a process.  (mir is in compiler.c.)
#include "hak_bench.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

// ---- json: documents of `batch` nodes are built, read and freed

enum { JSON_DEPTH = 8 };

struct node {
    struct node **items; // of an array or object
    uint32_t count, capacity;
    char *key, *text;
};

struct builder {
    struct worker *worker;
    uint64_t nodes_left, allocations;
};

static char *make_text(struct builder *b, size_t min, size_t max)
{
    size_t length = bench_draw_between(b->worker, min, max);
    char *text = bench_get_bytes(length + 1);
    memset(text, 'x', length);
    text[length] = 0;
    b->allocations++;
    return text;
}

static void add_item(struct builder *b, struct node *parent, struct node *item)
{
    if (parent->count == parent->capacity) {
        parent->capacity = parent->capacity ? 2 * parent->capacity : 4;
        parent->items = realloc(parent->items, parent->capacity * sizeof *parent->items);
        if (!parent->items)
            bench_fail("out of memory");
        b->allocations++;
    }
    parent->items[parent->count++] = item;
}

static struct node *make_node(struct builder *b, unsigned depth)
{
    struct node *node = bench_get_bytes(sizeof *node);
    *node = (struct node){.key = make_text(b, 3, 15)};
    b->allocations++;
    b->nodes_left -= b->nodes_left > 0;
    if (depth > 1 && bench_draw(b->worker, 4) != 0) { // a leaf; one in 16 is a long text
        node->text = bench_draw(b->worker, 16) ? make_text(b, 1, 40) : make_text(b, 100, 1000);
        return node;
    }
    uint64_t items = depth ? 2 + bench_draw(b->worker, 16) : UINT64_MAX;
    for (; items > 0 && depth < JSON_DEPTH && b->nodes_left > 0; items--)
        add_item(b, node, make_node(b, depth + 1));
    return node;
}

static uint64_t read_node(const struct node *node)
{
    uint64_t sum = strlen(node->key) + (node->text ? strlen(node->text) : 0);
    for (uint32_t i = 0; i < node->count; i++)
        sum += read_node(node->items[i]);
    return sum;
}

static void free_node(struct node *node)
{
    for (uint32_t i = 0; i < node->count; i++)
        free_node(node->items[i]);
    free(node->items);
    free(node->text);
    free(node->key);
    free(node);
}

static uint64_t json_step(struct worker *w)
{
    struct builder b = {.worker = w, .nodes_left = w->job->value[BENCH_BATCH]};
    struct node *document = make_node(&b, 0);
    volatile uint64_t characters = read_node(document);
    (void)characters;
    free_node(document);
    return b.allocations;
}

// ---- mixed: one block in ten is larger than the rest, one in a hundred much larger.  A slot stays
// with its kind, which bounds live memory.

static void mixed_replace(struct worker *w)
{
    static const struct kind {
        uint32_t min, max;
    } kinds[] = {{16, 256}, {256, 8192}, {8192, 131072}};
    uint32_t slot = bench_draw(w, (uint32_t)w->job->value[BENCH_SLOTS]);
    const struct kind *kind = &kinds[(slot % 10 == 0) + (slot % 100 == 0)];
    free(w->slots[slot]);
    w->slots[slot] = bench_get_bytes(bench_draw_between(w, kind->min, kind->max));
}

static uint64_t mixed_step(struct worker *w)
{
    for (int i = 0; i < BENCH_STEP_OPERATIONS; i++)
        mixed_replace(w);
    return BENCH_STEP_OPERATIONS;
}

// ---- cold_start: this program again, which allocates a little and ends

int bench_few_allocations(void)
{
    enum { COUNT = 200 };
    void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = bench_get_bytes(16 + i * i % 2000);
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    return 0;
}

static uint64_t cold_step(struct worker *w)
{
    extern char **environ; // with LD_PRELOAD
    (void)w;
    char *arguments[] = {"hak_bench", BENCH_FEW_ALLOCATIONS, NULL};
    pid_t child;
    int status;
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) ||
        waitpid(child, &status, 0) != child || status != 0)
        bench_fail("cannot run itself");
    return 1;
}

static const struct workload workloads[] = {
    {
        .name = "json",
        .group = "scenario",
        .threads = {1},
        .defaults = {[BENCH_BATCH] = 10000},
        .cases = {{"10k nodes", "", .quick = true}},
        .stands_for = "reading documents: a tree of small nodes, strings and growing arrays",
        .stresses = "many tiny sizes at once, small realloc, freeing in another order than made",
        .source = "hakmem's founding benchmarks: scenario json",
        .step = json_step,
    },
    {
        .name = "vm",
        .group = "scenario",
        .measure = BENCH_MS_EACH,
        .threads = {1},
        .defaults = {BENCH_EVEN_BYTES(2097152, 2097152), [BENCH_SLOTS] = 1},
        .cases = {{"2 MiB, touched", "", .quick = true},
                  {"1..64 MiB, 4 slots", "slots=4 min=1048576 max=67108864 sizes=powers",
                   .quick = false}},
        .stands_for =
            "an interpreter's stacks and heaps: large memory allocated, touched and freed",
        .stresses = "caching of large mappings: without it each page faults anew",
        .source = "hakmem's founding benchmarks: scenario vm",
        .setup = bench_slots_setup_full,
        .step = bench_few_slots_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "mixed",
        .group = "scenario",
        .threads = {1, 4},
        .defaults = {[BENCH_SLOTS] = 5000},
        .cases = {{"16 B..128 KiB, 5000 slots", "", .quick = true, .threads = {1}},
                  {"16 B..128 KiB, 5000 slots", "", .quick = false, .threads = {4}}},
        .stands_for = "a program with everything: 90 % small, 9 % middle, 1 % up to 128 KiB",
        .stresses = "all layers together, and what they take from each other's memory",
        .source = "hakmem's founding benchmarks: scenario mixed",
        .setup = bench_slots_setup,
        .step = mixed_step,
        .teardown = bench_slots_free,
    },
    {
        .name = "cold_start",
        .group = "scenario",
        .measure = BENCH_MS_EACH,
        .threads = {1},
        .cases = {{"200 blocks", "", .quick = true}},
        .stands_for = "short programs in scripts and builds: start, 200 blocks, end",
        .stresses = "loading and initialising the library, first-touch faults",
        .source = "hakmem's requirement that a process starts about as fast as with glibc",
        .step = cold_step,
    },
};

BENCH_FAMILY(bench_scenario, workloads);
