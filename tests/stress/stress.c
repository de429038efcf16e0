// Random alloc, free and realloc on many threads, half of the frees on another thread, contents
// verified.  Through hak_*, so that it also runs under sanitizers, which take malloc for themselves.
//
//   stress [threads] [seconds] [seed]
#include <hakmem/hakmem.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SLOTS = 512, MAIL_SLOTS = 1024, MAX_THREADS = 64 };

struct block {
    unsigned char *p;
    size_t bytes;
    unsigned char pattern;
};

// Blocks on their way to another thread.
static _Atomic(struct block *) mail[MAIL_SLOTS];
static _Atomic unsigned long xoperations;
static _Atomic int xstop;

static uint64_t next_random(uint64_t *state)
{
    // xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003)
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t random_bytes(uint64_t *state)
{
    uint64_t random = next_random(state);
    unsigned kind = random & 1023;
    random >>= 10;
    if (kind < 800)
        return 1 + random % 1024;
    if (kind < 1000)
        return 1 + random % 65536;
    if (kind < 1022)
        return 1 + random % (512 * 1024);
    return 1 + random % (4 * 1024 * 1024);
}

static void die(const char *what, const struct block *block)
{
    fprintf(stderr, "%s: %p, %zu bytes\n", what, (void *)block->p, block->bytes);
    abort();
}

// Every 61st byte, and the last.
static void fill(struct block *block, size_t from, uint64_t *state)
{
    if (from == 0)
        block->pattern = (unsigned char)next_random(state);
    for (size_t i = (from + 60) / 61 * 61; i < block->bytes; i += 61)
        block->p[i] = block->pattern;
    block->p[block->bytes - 1] = block->pattern;
}

static void verify(const struct block *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 61) {
        if (block->p[i] != block->pattern)
            die("contents changed", block);
    }
    if (bytes == block->bytes && block->p[bytes - 1] != block->pattern)
        die("last byte changed", block);
}

static struct block *make(uint64_t *state)
{
    struct block *block = hak_alloc(sizeof *block);
    block->bytes = random_bytes(state);
    if (next_random(state) % 16 == 0) {
        size_t alignment = (size_t)1 << next_random(state) % 17;
        block->p = hak_aligned_alloc(alignment, block->bytes);
        if (((uintptr_t)block->p & (alignment - 1)) != 0)
            die("misaligned", block);
    } else if (next_random(state) % 8 == 0) {
        block->p = hak_calloc(1, block->bytes);
        for (size_t i = 0; i < block->bytes; i += 127) {
            if (block->p[i] != 0)
                die("calloc is not zero", block);
        }
    } else {
        block->p = hak_alloc(block->bytes);
    }
    fill(block, 0, state);
    return block;
}

static void drop(struct block *block)
{
    verify(block, block->bytes);
    hak_free(block->p);
    hak_free(block);
}

static void resize(struct block *block, uint64_t *state)
{
    size_t before = block->bytes;
    size_t after = random_bytes(state);
    verify(block, before);
    block->p = hak_realloc(block->p, after);
    block->bytes = after;
    if (after > before) {
        verify(block, before);
        block->p[before - 1] = block->pattern;
        for (size_t i = before; i < after; i++)
            block->p[i] = block->pattern;
    } else {
        block->p[after - 1] = block->pattern;
        verify(block, after);
    }
}

static void step(struct block **slots, uint64_t *state)
{
    uint64_t random = next_random(state);
    struct block **slot = &slots[random % SLOTS];
    unsigned action = random >> 32 & 7;
    if (*slot == NULL) {
        *slot = make(state);
    } else if (action == 0) {
        resize(*slot, state);
    } else if (action < 4) { // somebody else frees it; we free what was there
        *slot = atomic_exchange(&mail[next_random(state) % MAIL_SLOTS], *slot);
        if (*slot != NULL)
            drop(*slot);
        *slot = NULL;
    } else {
        drop(*slot);
        *slot = NULL;
    }
}

static void *work(void *seed)
{
    struct block *slots[SLOTS] = {0};
    uint64_t state = (uint64_t)(uintptr_t)seed;
    unsigned long operations = 0;
    for (; !atomic_load_explicit(&xstop, memory_order_relaxed); operations++)
        step(slots, &state);
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i] != NULL)
            drop(slots[i]);
    }
    atomic_fetch_add(&xoperations, operations);
    return NULL;
}

// Threads end and are replaced while the clock runs, so that heaps change hands.
static void run(int threads, double seconds, uint64_t seed)
{
    enum { ROUNDS = 4 };
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t ids[MAX_THREADS];
        atomic_store(&xstop, 0);
        for (int i = 0; i < threads; i++)
            pthread_create(
                &ids[i], NULL, work,
                (void *)(uintptr_t)(seed + (uint64_t)(round * 1000 + i) * 0x9e3779b97f4a7c15u));
        double slice = seconds / ROUNDS;
        struct timespec pause = {.tv_sec = (time_t)slice,
                                 .tv_nsec = (long)((slice - (double)(time_t)slice) * 1e9)};
        nanosleep(&pause, NULL);
        atomic_store(&xstop, 1);
        for (int i = 0; i < threads; i++)
            pthread_join(ids[i], NULL);
    }
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 10;
    double seconds = argc > 2 ? atof(argv[2]) : 60;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    if (threads < 1 || threads > MAX_THREADS || seconds <= 0 || seed == 0) {
        fprintf(stderr, "usage: stress [threads 1..%d] [seconds] [seed > 0]\n", MAX_THREADS);
        return 2;
    }
    run(threads, seconds, seed);
    for (int i = 0; i < MAIL_SLOTS; i++) {
        if (mail[i] != NULL)
            drop(mail[i]);
    }
    printf("%lu operations on %d threads, seed %llu\n", xoperations, threads,
           (unsigned long long)seed);
    return 0;
}
