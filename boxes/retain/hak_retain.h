// How much freed memory to keep for later.
//
// The bound is a floor that the caller names, raised by experience: what is needed again soon after
// it was given back was given back too early, and the bound rises to what would have spared it.  The
// lesson is forgotten by halves when nothing of that kind happens for a while.  A floor of 0 learns
// nothing: who sets it wants nothing kept.
//
// Beside the bound: what was kept throughout an interval was not needed in it (hak_retain_used).
//
// Threads: callers hold the lock of what they keep.
#ifndef HAK_RETAIN_H
#define HAK_RETAIN_H

#include "hak_base.h"

struct hak_retain {
    size_t learned_bytes;
    size_t regret_bytes; // needed again too soon, since the bound last rose
    size_t given_bytes;  // given back lately and not needed again
    uint64_t given_ms;   // when memory was last given back
    uint64_t regret_ms;  // when it was last needed again too soon, or half was forgotten
    size_t least_bytes;  // kept, since hak_retain_used was last called
};

// Bytes to keep at most.
size_t hak_retain_bound(struct hak_retain *retain, size_t floor_bytes);

// Reports that `bytes` went back to the kernel.
void hak_retain_given_back(struct hak_retain *retain, size_t bytes);

// Reports that `bytes` without pages were put to use.  Whether some had been given back less than a
// second before.
bool hak_retain_needed(struct hak_retain *retain, size_t bytes, size_t floor_bytes);

// Reports that `bytes` are kept now, after some were taken.
HAK_FAST void hak_retain_now(struct hak_retain *retain, size_t bytes)
{
    if (retain->least_bytes > bytes)
        retain->least_bytes = bytes;
}

// Bytes to keep: what was needed since the last call, and no less than `least_bytes`.
// `kept_bytes`: kept now.
size_t hak_retain_used(struct hak_retain *retain, size_t kept_bytes, size_t least_bytes);

#endif
