// Allocates in every way on three threads while kernel calls fail (run_fault.py sees to that).
// Contents have to stay, a refusal has to be NULL with ENOMEM, and at the end the memory has to be
// given back.  Prints by how many KiB the process has grown: resident, and mapped for writing
// (which leaves out the addresses that a registry reserves).
//
// Through hak_*, so that hakmem's first call is made here and not before main, where libc would not
// survive its failure.
#include "check.h"
#include "hak_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <hakmem/hakmem.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3, SLOTS = 64, STEPS = 300, MAIL_SLOTS = 32 };

struct block {
    unsigned char *p;
    size_t bytes;
    unsigned char value;
};

struct worker {
    uint64_t random;
    struct block slots[SLOTS];
    pthread_t thread;
    bool started;
};

static struct worker workers[THREADS];
static pthread_mutex_t mail_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block mail[MAIL_SLOTS]; // on its way to another thread

static unsigned roll(struct worker *worker, unsigned sides)
{
    // xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003)
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return (unsigned)(worker->random >> 32) % sides;
}

static size_t any_size(struct worker *worker)
{
    static const unsigned limits[] = {64, 512, 2048, 32768, 400000, 3 << 20};
    return 1 + roll(worker, limits[roll(worker, sizeof limits / sizeof limits[0])]);
}

static bool is_filled(const unsigned char *p, unsigned char value, size_t bytes)
{
    return bytes == 0 || (p[0] == value && memcmp(p, p + 1, bytes - 1) == 0);
}

static void *served(void *p)
{
    CHECK(p != NULL || errno == ENOMEM);
    return p;
}

static void fill(struct block *block, unsigned char *p, size_t bytes)
{
    static _Atomic unsigned char next_value;
    *block = (struct block){.p = p, .bytes = bytes, .value = ++next_value};
    memset(p, block->value, bytes);
}

static void drop(struct block *block)
{
    if (block->p == NULL)
        return;
    CHECK(is_filled(block->p, block->value, block->bytes));
    hak_free(block->p);
    block->p = NULL;
}

static void make(struct worker *worker, struct block *block)
{
    size_t bytes = any_size(worker);
    unsigned char *p;
    switch (roll(worker, 4)) {
    case 0:
        p = served(hak_calloc(1, bytes));
        CHECK(p == NULL || is_filled(p, 0, bytes));
        break;
    case 1: {
        size_t alignment = (size_t)16 << roll(worker, 17);
        p = served(hak_aligned_alloc(alignment, bytes));
        CHECK((uintptr_t)p % alignment == 0);
        break;
    }
    default:
        p = served(hak_alloc(bytes));
    }
    if (p != NULL)
        fill(block, p, bytes);
}

static void resize(struct worker *worker, struct block *block)
{
    size_t bytes = any_size(worker);
    unsigned char *p = served(hak_realloc(block->p, bytes));
    if (p == NULL)
        return; // untouched, as drop will see
    CHECK(is_filled(p, block->value, bytes < block->bytes ? bytes : block->bytes));
    fill(block, p, bytes);
}

static void swap_with_mail(struct worker *worker, struct block *block)
{
    struct block *letter = &mail[roll(worker, MAIL_SLOTS)];
    pthread_mutex_lock(&mail_lock);
    struct block received = *letter;
    *letter = *block;
    *block = received;
    pthread_mutex_unlock(&mail_lock);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (unsigned i = 0; i < STEPS; i++) {
        struct block *block = &worker->slots[roll(worker, SLOTS)];
        unsigned action = roll(worker, 8);
        if (block->p == NULL)
            make(worker, block);
        else if (action < 3)
            resize(worker, block);
        else if (action < 5)
            swap_with_mail(worker, block);
        else
            drop(block);
    }
    return NULL;
}

static void run_workers(void)
{
    pthread_attr_t small_stack; // libc keeps stacks
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, 256 * 1024);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].random = i + 1;
        workers[i].started = i > 0 && pthread_create(&workers[i].thread, &small_stack, work,
                                                     &workers[i]) == 0;
    }
    work(&workers[0]);
    for (unsigned i = 1; i < THREADS; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
    }
}

static void drop_all(void)
{
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned j = 0; j < SLOTS; j++)
            drop(&workers[i].slots[j]);
    }
    for (unsigned i = 0; i < MAIL_SLOTS; i++)
        drop(&mail[i]);
    (void)hak_serve_trim();
}

struct memory {
    long mapped_kib, resident_kib; // mapped: for writing
};

static struct memory memory_now(void)
{
    char text[200] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    CHECK(file >= 0 && read(file, text, sizeof text - 1) > 0);
    close(file);
    long resident, writable;
    CHECK(sscanf(text, "%*d %ld %*d %*d %*d %ld", &resident, &writable) == 2);
    long page_kib = sysconf(_SC_PAGESIZE) / 1024;
    return (struct memory){.mapped_kib = writable * page_kib, .resident_kib = resident * page_kib};
}

int main(void)
{
    mallopt(M_ARENA_MAX, 1); // libc's own malloc, which makes threads, maps 64 MiB for each
    struct memory before = memory_now();
    run_workers();
    drop_all();
    struct memory after = memory_now();
    dprintf(STDOUT_FILENO, "%ld %ld\n", after.resident_kib - before.resident_kib,
            after.mapped_kib - before.mapped_kib);
}
