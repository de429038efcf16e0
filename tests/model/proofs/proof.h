// What the proofs share.  A proof is a function prove_*: for all values of what it calls ANY, under
// what is GIVEN, what it EXPECTs holds.  CBMC unwinds the real code and asks a SAT solver.
#ifndef PROOF_H
#define PROOF_H

// CBMC 5 does not know this builtin.
#define __builtin_ctzll proof_ctz
static inline int proof_ctz(unsigned long long word)
{
    int zeros = 0;
    for (int step = 32; step > 0; step /= 2) {
        if ((word & ((1ull << step) - 1)) == 0) {
            word >>= step;
            zeros += step;
        }
    }
    return zeros;
}

#include "hak_base.h"

uint64_t nondet_u64(void); // CBMC: any value
#define ANY() nondet_u64()
#define GIVEN(condition) __CPROVER_assume(condition)
#define EXPECT(condition) __CPROVER_assert(condition, #condition)

// Ends each proof, and must fail there: else what is given contradicts itself.
#define PROVED() __CPROVER_assert(0, "the end is reached")

// In the file that includes this, a panic is an error unless the proof expects one.
static bool panic_expected;

_Noreturn void hak_panic(const char *what, const void *p, const char *hint)
{
    (void)what, (void)p, (void)hint;
    EXPECT(panic_expected);
    GIVEN(false);
    for (;;)
        ;
}

#endif
