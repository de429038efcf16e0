#include "hak_upkeep.h"
#include "hak_bell.h"
#include "hak_bigcache.h"
#include "hak_large.h"
#include "hak_nursery.h"
#include "hak_option.h"
#include "hak_os_boundary.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    PERIOD_MS = 1000,
    PATIENCE_MS = 250,                  // with what is free beyond the bound
    JANITOR_STACK_BYTES = 256 * 1024,   // addresses; a few KiB are touched
    WORTHWHILE_BYTES = 4 * 1024 * 1024, // below which nobody needs a janitor
    ENOUGH_LOOKS = 2,                   // in a row that find one thread
};

// A refused janitor is not asked for again.
enum janitor { ABSENT, STARTING, AWAKE, ASLEEP, REFUSED };
static _Atomic uint32_t xjanitor; // enum janitor
static _Atomic uint64_t xlast_ms; // of the last look; 0: there was none

static size_t kept_bytes(void)
{
    return hak_span_totals().dirty_bytes + hak_bigcache_bytes() + hak_heap_unswept_bytes();
}

// `all`: all threads may be idle, so that nothing has to be at hand.
static void give_back_unused(bool all)
{
    hak_span_tick(all);
    hak_bigcache_tick(all);
    hak_heap_tidy_idle(PERIOD_MS);
    hak_nursery_tidy();
}

// Not at the first look, when nothing can have been unused for long.
static bool is_due(void)
{
    uint64_t now = hak_os_now_ms();
    uint64_t last = atomic_load_explicit(&xlast_ms, memory_order_relaxed);
    bool is_first = last == 0;
    return now - last >= PERIOD_MS &&
           atomic_compare_exchange_strong_explicit(&xlast_ms, &last, now, memory_order_relaxed,
                                                   memory_order_relaxed) &&
           !is_first;
}

static unsigned ms_to_upkeep(void)
{
    uint64_t waited = hak_os_now_ms() - atomic_load_explicit(&xlast_ms, memory_order_relaxed);
    return waited < PERIOD_MS ? PERIOD_MS - (unsigned)waited : 1;
}

static void wake_janitor(void)
{
    uint32_t asleep = ASLEEP;
    if (atomic_compare_exchange_strong_explicit(&xjanitor, &asleep, AWAKE, memory_order_relaxed,
                                                memory_order_relaxed))
        hak_bell_ring();
}

// Ends when it has found no more than one thread that allocates for a while: that one does upkeep
// itself, and may want to be the only one (unshare, fork).  And with the last: as long as it runs,
// glibc does not take the end of the program's last thread for the end of the process.
static void *janitor(void *nothing)
{
    unsigned lone_looks = 0;
    prctl(PR_SET_NAME, "hakmem-janitor");
    atomic_store_explicit(&xjanitor, AWAKE, memory_order_relaxed);
    hak_span_expect_janitor(!hak_options.diet);
    for (uint32_t rings = hak_bell_rings(); hak_heaps_bound() > 0 && lone_looks < ENOUGH_LOOKS;
         rings = hak_bell_rings()) {
        unsigned excess_ms = hak_span_purge_excess(PATIENCE_MS);
        bool is_awake = atomic_load_explicit(&xjanitor, memory_order_relaxed) != ASLEEP;
        unsigned wait_ms = is_awake ? ms_to_upkeep() : 0; // 0: until it rings
        if (excess_ms > 0 && (!is_awake || excess_ms < wait_ms))
            wait_ms = excess_ms;
        hak_bell_wait(rings, wait_ms);
        if (!is_awake) {
            atomic_store_explicit(&xjanitor, AWAKE, memory_order_relaxed);
        } else if (is_due()) {
            give_back_unused(true);
            lone_looks = hak_heaps_bound() > 1 ? 0 : lone_looks + 1;
            if (lone_looks == 0 && kept_bytes() < WORTHWHILE_BYTES)
                atomic_store_explicit(&xjanitor, ASLEEP, memory_order_relaxed);
        }
    }
    hak_span_expect_janitor(false);
    atomic_store_explicit(&xjanitor, ABSENT, memory_order_relaxed);
    return nothing;
}

static bool create_janitor(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // which the new thread inherits
    bool created = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_attr_setstacksize(&attributes, JANITOR_STACK_BYTES) == 0 &&
                   pthread_create(&thread, &attributes, janitor, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return created;
}

// Whether a janitor could have something to do one day.
static bool is_worthwhile(void)
{
    return hak_span_totals().chunk_bytes + hak_large_bytes() + hak_bigcache_bytes() >=
           WORTHWHILE_BYTES;
}

static void upkeep(bool allocating)
{
    uint32_t state = atomic_load_explicit(&xjanitor, memory_order_relaxed);
    bool wanted = state == ABSENT && allocating && hak_options.janitor && hak_heaps_bound() > 1;
    if (state == ASLEEP && kept_bytes() >= WORTHWHILE_BYTES)
        wake_janitor();
    // Creating a thread allocates, and so may come here again.
    else if (wanted && is_worthwhile() &&
             atomic_compare_exchange_strong(&xjanitor, &state, STARTING)) {
        if (!create_janitor())
            atomic_store(&xjanitor, REFUSED);
    } else if ((state == ABSENT || state == REFUSED) && is_due())
        give_back_unused(false);
}

void hak_upkeep(bool allocating)
{
    int saved_errno = errno;
    upkeep(allocating);
    errno = saved_errno;
}

void hak_upkeep_after_fork(void)
{
    hak_span_expect_janitor(false);
    atomic_store_explicit(&xjanitor, ABSENT, memory_order_relaxed);
}
