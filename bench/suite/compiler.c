// mir: a compiler at work.  For each function: parse into an arena, lower to instructions, optimise
// these, emit code.  The code of `slots` functions makes a module, which is then freed as a whole.
#include "hak_bench.h"

#include <string.h>

// ---- an arena in chunks of 4 to 64 KiB

enum { SMALLEST_CHUNK = 4096, LARGEST_CHUNK = 65536 };

struct chunk {
    struct chunk *next;
    size_t used, bytes;
};

struct function {
    struct worker *worker;
    struct chunk *arena;
    struct instruction *first;
    uint64_t allocations;
};

static void *take(struct function *f, size_t bytes)
{
    f->allocations++;
    return bench_get_bytes(bytes);
}

static void *arena_take(struct function *f, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    struct chunk *chunk = f->arena;
    if (!chunk || chunk->bytes - chunk->used < bytes) {
        size_t chunk_bytes = chunk ? 2 * chunk->bytes : SMALLEST_CHUNK;
        if (chunk_bytes > LARGEST_CHUNK)
            chunk_bytes = LARGEST_CHUNK;
        chunk = take(f, chunk_bytes);
        *chunk = (struct chunk){f->arena, sizeof *chunk, chunk_bytes};
        f->arena = chunk;
    }
    void *place = (char *)chunk + chunk->used;
    chunk->used += bytes;
    return place;
}

static void arena_free(struct function *f)
{
    while (f->arena) {
        struct chunk *next = f->arena->next;
        free(f->arena);
        f->arena = next;
    }
}

// ---- the phases

struct syntax {
    struct syntax *next;
    uint32_t operands;
};

struct instruction {
    struct instruction *next;
    uint32_t operands;
    uint32_t operand[];
};

static struct syntax *parse(struct function *f)
{
    struct syntax *first = NULL;
    for (uint64_t i = 0; i < f->worker->job->value[BENCH_BATCH]; i++) {
        struct syntax *node = arena_take(f, 16 + bench_draw(f->worker, 112));
        *node = (struct syntax){first, 1 + bench_draw(f->worker, 16)};
        first = node;
    }
    return first;
}

static struct instruction *make_instruction(struct function *f, uint32_t operands)
{
    struct instruction *made = take(f, sizeof *made + operands * sizeof made->operand[0]);
    made->operands = operands;
    memset(made->operand, 1, operands * sizeof made->operand[0]);
    return made;
}

static void lower(struct function *f, const struct syntax *node)
{
    for (; node; node = node->next) {
        struct instruction *made = make_instruction(f, node->operands);
        made->next = f->first;
        f->first = made;
    }
}

// A pass over the instructions: drops one in six, replaces one in six by a larger one.
static void optimise(struct function *f)
{
    struct instruction **link = &f->first;
    while (*link) {
        struct instruction *old = *link;
        uint32_t fate = bench_draw(f->worker, 6);
        if (fate > 1) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        if (fate == 1) {
            struct instruction *better = make_instruction(f, old->operands + 2);
            better->next = old->next;
            *link = better;
            link = &better->next;
        }
        free(old);
    }
}

// Writes code into a buffer that doubles; frees the instructions.  Returns the code, cut to fit.
static void *emit(struct function *f)
{
    size_t used = 0, capacity = 256;
    char *code = take(f, capacity);
    for (struct instruction *i = f->first, *next; i; i = next) {
        size_t bytes = 2 + i->operands;
        if (capacity - used < bytes) {
            capacity *= 2;
            code = bench_touch(realloc(code, capacity), 1);
            f->allocations++;
        }
        memset(code + used, 1, bytes);
        used += bytes;
        next = i->next;
        free(i);
    }
    f->allocations++;
    return bench_touch(realloc(code, used + 1), 1);
}

static uint64_t mir_step(struct worker *w)
{
    uint64_t allocations = 0;
    for (size_t i = 0; i < w->job->value[BENCH_SLOTS]; i++) {
        struct function f = {.worker = w};
        lower(&f, parse(&f));
        arena_free(&f);
        optimise(&f);
        optimise(&f);
        w->slots[i] = emit(&f);
        allocations += f.allocations;
    }
    bench_slots_free(w);
    return allocations;
}

static const struct workload workloads[] = {
    {
        .name = "mir",
        .group = "scenario",
        .threads = {1},
        .defaults = {[BENCH_BATCH] = 1000, [BENCH_SLOTS] = 20},
        .cases = {{"20 functions of 1000 nodes", "", .quick = true}},
        .stands_for = "a compiler: arenas of syntax, lists of instructions, passes, emitted code",
        .stresses = "phases with different sizes, lists rewritten in place, one growing buffer",
        .source = "hakmem's founding benchmarks: scenario mir",
        .setup = bench_slots_setup,
        .step = mir_step,
    },
};

BENCH_FAMILY(bench_compiler, workloads);
