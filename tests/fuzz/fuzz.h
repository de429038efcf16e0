// What a fuzz target and its runner agree on.
//
// A target is a shared library: the boxes under test over an arena (arena.h), and fuzz_run, which
// turns bytes into operations and checks each against a model.  Before each input the runner puts
// the library's data and the arena back to what they were at first, so an input does the same every
// time, alone or after a million others.
#ifndef FUZZ_H
#define FUZZ_H

#include "hak_base.h"

#include <stdio.h>
#include <stdlib.h>

struct fuzz_input {
    const uint8_t *at, *end;
};

// The target's.  Once, before the state to come back to is kept.
HAK_EXPORT void fuzz_start(void);
// The target's.  Returns the number of operations made.  A failed check aborts.
HAK_EXPORT uint64_t fuzz_run(struct fuzz_input *input);

// The next bytes as a number, the first the lowest; zeros follow the last.
static inline unsigned fuzz_number(struct fuzz_input *input, unsigned bytes)
{
    unsigned number = 0;
    for (unsigned i = 0; i < bytes && input->at < input->end; i++)
        number |= (unsigned)*input->at++ << (8 * i);
    return number;
}

// A number below `sides`.
static inline unsigned fuzz_below(struct fuzz_input *input, unsigned sides)
{
    return fuzz_number(input, sides > 256 ? 2 : 1) % sides;
}

#define FUZZ_CHECK(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s; ", __FILE__, __LINE__, #condition);                \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
