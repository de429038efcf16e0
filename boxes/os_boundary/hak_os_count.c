// Counters of the boundary; relaxed, because they order nothing.
#include "hak_os_count.h"

static _Atomic uint64_t xcalls[HAK_OS_CALLS];
static _Atomic size_t xmapped_bytes;
static _Atomic size_t xpeak_bytes;

static _Atomic size_t xlimit_bytes; // 0: none
static _Atomic uint64_t xlimit_refusals;
static _Atomic uint64_t xkernel_refusals;
static _Atomic bool xlimit_refused_last;

void hak_os_set_limit(size_t bytes)
{
    atomic_store_explicit(&xlimit_bytes, bytes, memory_order_relaxed);
}

// Threads that ask at the same time may overshoot by what they ask for.
bool hak_os_limit_allows(size_t bytes)
{
    size_t limit = atomic_load_explicit(&xlimit_bytes, memory_order_relaxed);
    size_t mapped = atomic_load_explicit(&xmapped_bytes, memory_order_relaxed);
    if (limit == 0 || (mapped <= limit && bytes <= limit - mapped))
        return true;
    atomic_fetch_add_explicit(&xlimit_refusals, 1, memory_order_relaxed);
    atomic_store_explicit(&xlimit_refused_last, true, memory_order_relaxed);
    return false;
}

void hak_os_count_refusal(void)
{
    atomic_fetch_add_explicit(&xkernel_refusals, 1, memory_order_relaxed);
    atomic_store_explicit(&xlimit_refused_last, false, memory_order_relaxed);
}

bool hak_os_limit_refused_last(void)
{
    return atomic_load_explicit(&xlimit_refused_last, memory_order_relaxed);
}

void hak_os_count_call(enum hak_os_call kind)
{
    atomic_fetch_add_explicit(&xcalls[kind], 1, memory_order_relaxed);
}

void hak_os_count_bytes(size_t grown, size_t shrunk)
{
    size_t change = grown - shrunk; // wraps when shrinking, as does the sum
    size_t now = atomic_fetch_add_explicit(&xmapped_bytes, change, memory_order_relaxed) + change;
    size_t peak = atomic_load_explicit(&xpeak_bytes, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             &xpeak_bytes, &peak, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

static uint64_t calls(enum hak_os_call kind)
{
    return atomic_load_explicit(&xcalls[kind], memory_order_relaxed);
}

struct hak_os_counts hak_os_counts(void)
{
    return (struct hak_os_counts){
        .map = calls(HAK_OS_MAP),
        .unmap = calls(HAK_OS_UNMAP),
        .purge = calls(HAK_OS_PURGE),
        .resize = calls(HAK_OS_RESIZE),
        .place = calls(HAK_OS_PLACE),
        .mapped_bytes = atomic_load_explicit(&xmapped_bytes, memory_order_relaxed),
        .peak_bytes = atomic_load_explicit(&xpeak_bytes, memory_order_relaxed),
        .limit_refusals = atomic_load_explicit(&xlimit_refusals, memory_order_relaxed),
        .kernel_refusals = atomic_load_explicit(&xkernel_refusals, memory_order_relaxed),
    };
}
