// Sampled blocks, without the faults: the fake boundary knows no pages.
#include "fake_calls.h"
#include "hak_hardening.h"
#include "small_registry.h"

#include <pthread.h>
#include <signal.h>

enum { FULL = HAK_HARDENED_FULLY, SLOTS = 256 };

static void *guarded(size_t bytes)
{
    char *p = hak_guarded_alloc(bytes);
    expect(p == NULL || hak_guarded_usable(p, "wrong use of", "late use of") == bytes);
    expect(p == NULL || ((uintptr_t)p % 16 == 0 && hak_guarded_owns(p) && is_filled(p, 0, bytes)));
    return p;
}

static void free_guarded(void *p)
{
    hak_guarded_free(p);
}

// Reports on sampled blocks name callers too.
static void expect_report(void *p, const char *text)
{
    const struct outcome *outcome = in_child(free_guarded, p);
    expect(outcome->signal == SIGABRT && strstr(outcome->errors, text) != NULL);
    expect(strstr(outcome->errors, "callers near the allocation") != NULL);
    expect(strstr(outcome->errors, "box_guarded") != NULL, "%s", outcome->errors);
}

static void sample_all(void)
{
    small_registry();
    hak_options.sample = 1;
    hak_guarded_start();
}

TestSuite(guarded, .init = sample_all);

Test(guarded, blocks_end_with_their_page)
{
    for (size_t bytes = 0; FULL && bytes <= HAK_MIN_PAGE_BYTES; bytes += 7) {
        char *p = guarded(bytes);
        expect(p != NULL &&
               (uintptr_t)(p + (bytes > 0 ? bytes : 1) + 15) % HAK_MIN_PAGE_BYTES < 16);
        memset(p, 2, bytes);
        hak_guarded_free(p);
    }
    expect(hak_guarded_alloc(HAK_MIN_PAGE_BYTES + 1) == NULL, "not on a page");
}

Test(guarded, misuse_is_reported)
{
    if (!FULL)
        return;
    char *p = guarded(40), *q = guarded(40);
    expect_report(p + 16, "invalid free of 0x");
    for (unsigned i = 40; i < 48; i++) {
        char was = p[i];
        p[i] = 0;
        expect_report(p, "write past the end of 0x");
        p[i] = was;
    }
    hak_guarded_free(q);
    expect_report(q, "double free of 0x");
}

static _Atomic unsigned xready;

static void *free_at_once(void *p)
{
    xready++;
    while (xready < 2)
        ;
    hak_guarded_free(p);
    return NULL;
}

static void free_in_two_threads(void *p)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, free_at_once, p) == 0);
    free_at_once(p);
    pthread_join(thread, NULL);
}

Test(guarded, two_threads_never_free_one_block)
{
    void *p = guarded(40);
    for (unsigned round = 0; FULL && round < 50; round++) {
        const struct outcome *outcome = in_child(free_in_two_threads, p);
        expect(outcome->signal == SIGABRT && strstr(outcome->errors, "double free of 0x") != NULL,
               "in round %u: %s", round, outcome->errors);
    }
}

static _Atomic bool xstop_asking;

static void *ask_for_size(void *p)
{
    while (!xstop_asking)
        expect(hak_guarded_usable(p, "wrong use of", "late use of") == 40);
    return NULL;
}

Test(guarded, threads_may_ask_for_one_size)
{
    if (!FULL)
        return;
    pthread_t thread;
    void *p = guarded(40);
    expect(pthread_create(&thread, NULL, ask_for_size, p) == 0);
    for (unsigned i = 0; i < 300000; i++)
        expect(hak_guarded_usable(p, "wrong use of", "late use of") == 40);
    xstop_asking = true;
    pthread_join(thread, NULL);
    hak_guarded_free(p);
}

Test(guarded, it_runs_out_and_goes_on)
{
    void *blocks[300] = {NULL};
    unsigned made = 0;
    while (FULL && (blocks[made] = guarded(100)) != NULL)
        made++;
    expect(made == (FULL ? SLOTS : 0));
    for (unsigned i = 0; i < made; i++) {
        expect(hak_guarded_owns((char *)blocks[i] - HAK_MIN_PAGE_BYTES), "the page before");
        expect(hak_guarded_owns((char *)blocks[i] + HAK_MIN_PAGE_BYTES), "the page behind");
        hak_guarded_free(blocks[i]);
    }
    expect(!FULL || guarded(100) != NULL);
}

Test(guarded, a_freed_page_waits_for_all_others)
{
    void *freed = guarded(100);
    for (unsigned round = 0; FULL && round < 2 * SLOTS; round++) {
        hak_guarded_free(freed);
        for (unsigned i = 1; i < SLOTS; i++) {
            void *next = guarded(100);
            expect(next != freed, "after %u others", i);
            hak_guarded_free(next);
        }
        void *next = guarded(100);
        expect(next == freed);
    }
}

Test(guarded, refusals_leave_an_ordinary_block)
{
    hak_fake_os_fail(0, 2 * SLOTS);
    for (unsigned i = 0; i < 2 * SLOTS; i++)
        expect(hak_guarded_alloc(40) == NULL);
    hak_fake_os_fail(0, 0);
    for (unsigned i = 0; FULL && i < SLOTS; i++)
        expect(guarded(40) != NULL, "block %u", i);
}

Test(guarded, a_page_that_cannot_be_emptied_is_not_used_again)
{
    void *p = guarded(40);
    if (!FULL)
        return;
    memset(p, 2, 40);
    hak_fake_os_fail(1, 1); // protected, not purged
    hak_guarded_free(p);
    hak_fake_os_fail(0, 0);
    unsigned made = 0;
    while (guarded(40) != NULL) // looks for zeros
        made++;
    expect(made == SLOTS - 1, "%u", made);
}

Test(guarded, about_one_in_so_many)
{
    unsigned made = 0, longest = 0, interval = 0;
    hak_options.sample = 100;
    for (unsigned i = 0; i < 20000; i++) {
        void *p = guarded(40);
        longest = ++interval > longest ? interval : longest;
        if (p == NULL)
            continue;
        hak_guarded_free(p);
        made++;
        interval = 0;
    }
    expect(FULL ? made > 150 && made < 260 : made == 0, "%u", made);
    expect(!FULL || longest > 150, "nobody can foresee which, but %u are the most", longest);
}
