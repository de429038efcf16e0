// Target: the whole allocator through hak_*, against a shadow heap.  The operations of an input run
// on up to four threads, one at a time, so that blocks change hands and every run is the same.
#include "arena.h"
#include "fuzz.h"
#include "hak_serve.h"
#include "hak_large.h"
#include "hak_option.h"
#include "shadow.h"

#include <errno.h>
#include <hakmem/hakmem.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ACTORS = 4,
    KEPT_ERRNO = 4711,
    MANY_BYTES = 2 * 1024 * 1024,     // of blocks made by the dozen; touching pages costs
    METADATA_BYTES = 2 * 1024 * 1024, // more than any input makes, the registry's tables included
};

enum order { RUN, CLEAN_UP, END };

static struct actor {
    pthread_t thread;
    sem_t go, done;
    enum order order;
    bool alive;
} actors[ACTORS];

static struct fuzz_input *input;
static unsigned current; // actor
static uint64_t operations;
static unsigned forks_left;
static unsigned cursor; // of blocks made by the dozen

static size_t any_size(void)
{
    static const unsigned char factors[] = {1, 1, 1, 8, 32};
    unsigned kind = fuzz_below(input, 16), number = fuzz_number(input, 2);
    if (kind < 5) // around the usable size of a class
        return hak_class_usable(number % HAK_CLASS_COUNT) + number / HAK_CLASS_COUNT % 3 - 1;
    if (kind < 10)
        return (size_t)number * factors[kind - 5];
    if (kind == 10) // around PTRDIFF_MAX
        return PTRDIFF_MAX - (size_t)0x8000 + number;
    return kind == 11 ? SIZE_MAX - number : number % 1024;
}

static size_t natural_alignment(size_t bytes)
{
    return bytes > 8 ? 16 : 8;
}

// A NULL needs a refusal since, or a size that no arena holds.
static bool was_served(const void *p, size_t bytes, unsigned refusals)
{
    operations++;
    if (p != NULL)
        return true;
    FUZZ_CHECK(errno == ENOMEM, "errno %d", errno);
    enum hak_refusal why = hak_last_refusal();
    FUZZ_CHECK(why != HAK_REFUSAL_NONE, "%zu bytes", bytes);
    FUZZ_CHECK(bytes > ARENA_BYTES || (why != HAK_REFUSAL_SIZE && arena_refusals() != refusals),
               "%zu bytes, reason %d", bytes, (int)why);
    return false;
}

static void free_block(struct shadow_block *block, bool sized)
{
    if (block->p == NULL)
        return;
    void *p = block->p;
    size_t bytes = block->usable;
    shadow_remove(block);
    errno = KEPT_ERRNO;
    if (sized)
        hak_free_sized(p, bytes);
    else
        hak_free(p);
    FUZZ_CHECK(errno == KEPT_ERRNO, "errno %d", errno);
    operations++;
}

static void alloc_into(struct shadow_block *block, size_t bytes)
{
    free_block(block, false);
    unsigned refusals = arena_refusals();
    void *p = hak_alloc(bytes);
    if (was_served(p, bytes, refusals))
        shadow_add(block, p, bytes, natural_alignment(bytes));
}

static bool is_zero(const char *p, size_t bytes)
{
    return p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0;
}

static void calloc_into(struct shadow_block *block, size_t bytes, size_t count)
{
    free_block(block, false);
    unsigned refusals = arena_refusals();
    char *p = hak_calloc(count, bytes);
    size_t total;
    if (__builtin_mul_overflow(bytes, count, &total))
        total = SIZE_MAX;
    if (!was_served(p, total, refusals))
        return;
    size_t looked_at = total < HAK_GRANULE_BYTES ? total : HAK_GRANULE_BYTES; // touching costs
    FUZZ_CHECK(total == 0 || is_zero(p, looked_at), "%zu not zero", total);
    FUZZ_CHECK(total == 0 || p[total - 1] == 0, "%zu not zero", total);
    shadow_add(block, p, total, natural_alignment(total));
}

static void aligned_into(struct shadow_block *block, size_t bytes, unsigned shift)
{
    free_block(block, false);
    unsigned refusals = arena_refusals();
    size_t alignment = (size_t)1 << shift;
    void *p = hak_aligned_alloc(alignment, bytes);
    size_t at_most = bytes > alignment ? bytes : alignment;
    if (was_served(p, at_most, refusals))
        shadow_add(block, p, bytes, alignment);
}

static void realloc_block(struct shadow_block *block, size_t bytes)
{
    if (block->p == NULL || bytes == 0) // those are malloc and free
        return;
    unsigned refusals = arena_refusals();
    struct shadow_block old = *block;
    shadow_remove(block);
    unsigned char *p = hak_realloc(old.p, bytes);
    if (was_served(p, bytes, refusals)) {
        shadow_expect(&old, p, bytes < old.usable ? bytes : old.usable);
        shadow_add(block, p, bytes, natural_alignment(bytes));
    } else { // untouched
        shadow_expect(&old, old.p, old.usable);
        shadow_add(block, old.p, old.usable, 1);
    }
}

static void alloc_many(unsigned count, size_t bytes)
{
    for (; count > 0 && bytes < MANY_BYTES / count; count--)
        alloc_into(shadow_block(cursor++), bytes);
}

// Two blocks of each alignment: the first of a slab may be aligned by chance.
static void aligned_many(size_t bytes)
{
    for (unsigned i = 0; i < 32 && bytes < MANY_BYTES / 32; i++)
        aligned_into(shadow_block(cursor++), bytes, 2 + i / 2);
}

static void free_many(unsigned first, unsigned count, unsigned stride)
{
    for (; count > 0; count--, first += stride)
        free_block(shadow_block(first), false);
}

static void check(void)
{
    if (hak_heap_is_bound(hak_heap_self))
        hak_heap_check(hak_heap_self);
    hak_span_check();
    operations++;
}

static void trim(void)
{
    unsigned refusals = arena_refusals();
    (void)hak_serve_trim();
    operations++;
    size_t dirty_bytes = hak_span_totals().dirty_bytes;
    FUZZ_CHECK(dirty_bytes == 0 || arena_refusals() != refusals, "%zu KiB", dirty_bytes / 1024);
}

static void free_all(void)
{
    free_many(0, SHADOW_BLOCKS, 1);
    trim();
    check();
}

// The child has one thread, and the heaps of all others are free to adopt.
static void op_fork(void)
{
    if (forks_left == 0)
        return;
    forks_left--;
    operations++;
    pid_t child = fork();
    FUZZ_CHECK(child >= 0, "fork: %d", errno);
    if (child == 0) {
        alarm(20);
        arena_relent();
        alloc_many(200, 48);
        free_all();
        _exit(0);
    }
    int status = -1;
    FUZZ_CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child && status == 0,
               "the child: %x", status);
}

// --- the operations; an input names them by their place in the table

static struct shadow_block *any_block(void)
{
    return shadow_block(fuzz_number(input, 2));
}

static void op_alloc(void)
{
    struct shadow_block *block = any_block();
    alloc_into(block, any_size());
}

static void op_calloc(void)
{
    struct shadow_block *block = any_block();
    size_t bytes = any_size();
    unsigned count = fuzz_number(input, 1);
    calloc_into(block, bytes, count < 200 ? 1 : count - 200);
}

static void op_aligned(void)
{
    struct shadow_block *block = any_block();
    size_t bytes = any_size();
    unsigned number = fuzz_number(input, 1);
    if (number < 192)
        aligned_into(block, bytes, number % 64);
    else
        aligned_many(bytes);
}

static void op_realloc(void)
{
    struct shadow_block *block = any_block();
    realloc_block(block, any_size());
}

static void op_free(void)
{
    free_block(any_block(), false);
}

static void op_free_sized(void)
{
    free_block(any_block(), true);
}

static void op_alloc_many(void)
{
    unsigned count = 1 + fuzz_number(input, 1) * 4;
    alloc_many(count, any_size());
}

static void op_free_many(void)
{
    unsigned first = fuzz_number(input, 2), count = 1 + fuzz_number(input, 1) * 4;
    free_many(first, count, 1 + fuzz_below(input, 7));
}

static void op_switch(void)
{
    current = fuzz_below(input, ACTORS);
}

static void op_thread_ends(void)
{
    actors[current].alive = false;
}

static void op_good_size(void)
{
    size_t bytes = any_size(), good = hak_good_size(bytes);
    FUZZ_CHECK(good >= bytes, "%zu for %zu", good, bytes);
    FUZZ_CHECK(hak_good_size(good) == good, "%zu for %zu", hak_good_size(good), good);
    operations++;
}

static void op_advance(void)
{
    hak_fake_os_advance(fuzz_number(input, 1) * 10);
}

static void op_fail(void)
{
    arena_fail(input);
}

static void op_limit(void)
{
    arena_limit(input);
}

static void (*const table[])(void) = {
    op_alloc,      op_calloc,    op_aligned, op_realloc,     op_free,      op_free_sized,
    op_alloc_many, op_free_many, op_switch,  op_thread_ends, op_good_size, trim,
    check,         op_advance,   op_fail,    op_limit,       arena_relent, op_fork,
};

// Until the input ends, the thread ends or another one's turn comes.
static void run(void)
{
    unsigned self = current;
    while (input->at < input->end && current == self && actors[self].alive)
        table[fuzz_below(input, sizeof table / sizeof table[0])]();
}

static void wait_for(sem_t *semaphore) // a fuzzer's timer may interrupt
{
    while (sem_wait(semaphore) != 0)
        FUZZ_CHECK(errno == EINTR, "errno %d", errno);
}

static void *act(void *argument)
{
    struct actor *actor = argument;
    while (actor->alive) {
        wait_for(&actor->go);
        if (actor->order == CLEAN_UP)
            free_all();
        if (actor->order == RUN)
            run();
        else
            actor->alive = false;
        sem_post(&actor->done);
    }
    return NULL;
}

// Has the actor, a new thread if need be, carry out the order.
static void command(struct actor *actor, enum order order)
{
    if (!actor->alive) {
        actor->alive = true;
        sem_init(&actor->go, 0, 0);
        sem_init(&actor->done, 0, 0);
        int error = pthread_create(&actor->thread, NULL, act, actor);
        FUZZ_CHECK(error == 0, "no thread: %d", error);
    }
    actor->order = order;
    sem_post(&actor->go);
    wait_for(&actor->done);
    if (!actor->alive)
        pthread_join(actor->thread, NULL);
}

static void choose_options(void)
{
    unsigned bits = fuzz_number(input, 2);
    forks_left = (bits & 15) == 15;
    hak_options.drain = (bits >> 4 & 1) == 0;
    hak_options.p0 = (bits >> 5 & 1) == 0;
    hak_options.bigcache = (bits >> 6 & 1) == 0;
    hak_options.bigcache_mib = (bits >> 7 & 1) == 0 ? 8 : 64;
    hak_options.dirty_mib = (bits >> 8 & 1) == 0 ? 16 : 0;
    hak_options.dirty_percent = (bits >> 9 & 1) == 0 ? 10 : 0;
    hak_options.refill = (bits >> 10 & 1) == 0 ? 16 : 1;
    hak_options.cache_slots = (bits >> 11 & 1) == 0 ? 2048 : 16;
    hak_options.cache_kib = (bits >> 12 & 1) == 0 ? 4096 : 64;
    hak_options.chunk_growth = (bits >> 13 & 1) == 0 ? 2 : 1;
    hak_options.prewarm = (bits >> 14) % 3;
    hak_options_read((char *[]){"HAKMEM_JANITOR=0", NULL}); // a thread would not come back
}

// Everything was freed and every thread has ended: nothing may be in use.
static void expect_nothing_lost(void)
{
    FUZZ_CHECK(hak_span_totals().chunks == 0, "%zu KiB of spans lost",
               (hak_span_totals().chunk_bytes - hak_span_totals().free_bytes) / 1024);
    FUZZ_CHECK(hak_large_bytes() == 0, "%zu KiB of large blocks lost", hak_large_bytes() / 1024);
    FUZZ_CHECK(hak_os_counts().mapped_bytes <= METADATA_BYTES + arena_stuck_bytes(), "%zu KiB",
               hak_os_counts().mapped_bytes / 1024);
}

void fuzz_start(void)
{
    shadow_start();
}

uint64_t fuzz_run(struct fuzz_input *from)
{
    input = from;
    choose_options();
    while (input->at < input->end)
        command(&actors[current], RUN);
    arena_relent();
    for (unsigned i = 1; i < ACTORS; i++) {
        if (actors[i].alive)
            command(&actors[i], END);
    }
    command(&actors[0], CLEAN_UP);
    expect_nothing_lost();
    return operations;
}
