// Xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016),
// seeded from the random bytes that the kernel hands to each process: no system call.
#include "hak_random.h"

#include <string.h>
#include <sys/auxv.h>

// The finalizer of MurmurHash3 (Appleby, 2011).
static uint64_t mixed(uint64_t value)
{
    value = (value ^ value >> 33) * 0xff51afd7ed558ccd;
    value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
    return value ^ value >> 33;
}

// The words are the stack protector's and the pointer guard's: neither may follow from the result.
static uint64_t secret(void)
{
    static _Atomic uint64_t xsecret;
    uint64_t known = atomic_load_explicit(&xsecret, memory_order_relaxed);
    if (known == 0) {
        uint64_t words[2] = {0, (uintptr_t)&xsecret};
        const void *bytes = (const void *)getauxval(AT_RANDOM); // NOLINT(performance-no-int-to-ptr)
        if (bytes != NULL)
            memcpy(words, bytes, sizeof words);
        known = (mixed(words[0]) ^ mixed(~words[1])) | 1;
        atomic_store_explicit(&xsecret, known, memory_order_relaxed);
    }
    return known;
}

uint64_t hak_random_hash(uint64_t value)
{
    return mixed(value + secret());
}

uint32_t hak_random_below(uint32_t bound)
{
    static _Thread_local uint64_t state;
    if (state == 0)
        state = hak_random_hash((uintptr_t)&state) | 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    uint64_t high = state * 0x2545f4914f6cdd1d >> 32;
    return (uint32_t)(high * bound >> 32);
}
