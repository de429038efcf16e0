// Random numbers that a program's input cannot foresee.  Not for cryptography.
#ifndef HAK_RANDOM_H
#define HAK_RANDOM_H

#include "hak_base.h"

// A number from 0 to `bound` - 1.  Pre: bound > 0.  Threads: any; each has a sequence of its own.
uint32_t hak_random_below(uint32_t bound);

// The same number each time for the same `value` in this process, another one in the next.
uint64_t hak_random_hash(uint64_t value);

#endif
