// Counters of the boundary; relaxed, because they order nothing.
#include "hak_os_count.h"

static _Atomic uint64_t xcalls[HAK_OS_CALLS];
static _Atomic size_t xmapped_bytes;
static _Atomic size_t xpeak_bytes;

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
        .mapped_bytes = atomic_load_explicit(&xmapped_bytes, memory_order_relaxed),
        .peak_bytes = atomic_load_explicit(&xpeak_bytes, memory_order_relaxed),
    };
}
