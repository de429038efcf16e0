// Random numbers that can be had again (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", 2014).
#ifndef DICE_H
#define DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct dice {
    uint64_t state;
};

// The seed is printed; HAK_TEST_SEED replaces it.
static inline struct dice dice_from(uint64_t seed)
{
    const char *wanted = getenv("HAK_TEST_SEED");
    if (wanted != NULL)
        seed = strtoull(wanted, NULL, 10);
    fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    return (struct dice){.state = seed};
}

static inline uint64_t dice_bits(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// A number from 0 to sides - 1.
static inline unsigned dice_roll(struct dice *dice, unsigned sides)
{
    return (unsigned)((dice_bits(dice) >> 32) * sides >> 32);
}

#endif
