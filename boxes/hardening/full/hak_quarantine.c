// Freed blocks rest in places of a table, each until another one draws its place: some 1,024 frees
// later, nobody can tell when.
#include "hak_hardening.h"
#include "hak_random.h"

enum { PLACES = 1024, QUARANTINED_MAX_BYTES = 4096 }; // 4 MiB at most

static _Atomic(void *) xplaces[PLACES];

static void *swap(unsigned place, void *block)
{
    // acq_rel: the block that leaves may have been another thread's
    return atomic_exchange_explicit(&xplaces[place], block, memory_order_acq_rel);
}

void *hak_quarantine_swap(void *block, size_t bytes)
{
    if (bytes > QUARANTINED_MAX_BYTES || hak_options.quarantine == 0)
        return block;
    return swap(hak_random_below(PLACES), block);
}

void *hak_quarantine_end(void)
{
    for (unsigned place = 0; place < PLACES; place++) {
        bool taken = atomic_load_explicit(&xplaces[place], memory_order_relaxed) != NULL;
        void *block = taken ? swap(place, NULL) : NULL;
        if (block != NULL)
            return block;
    }
    return NULL;
}
