// What the contract tests share: a check that also works in threads and forked children, and
// children whose last words are looked at.
#ifndef BOX_TEST_H
#define BOX_TEST_H

#include "dice.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

// Ends the test when `condition` does not hold; a format and its arguments may follow.
#define expect(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            expect_failed(__FILE__, __LINE__, #condition, "; " __VA_ARGS__);                       \
    } while (0)

_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...) __attribute__((format(printf, 4, 5)));

struct outcome {
    int signal;         // that ended the child, or 0
    int code;           // its exit code
    char errors[32768]; // what it wrote to stderr
};

// Runs `action(argument)` in a forked child.  The outcome is valid until the next call.
const struct outcome *in_child(void (*action)(void *), void *argument);

// The same, and the child has to end well.
void succeed_in_child(void (*action)(void *), void *argument);

// `action(argument)` has to abort, after one line on stderr: "hakmem: ..." with `text` in it.
void expect_panic(void (*action)(void *), void *argument, const char *text);

static inline bool is_impl(const char *name)
{
    return strcmp(BOX_IMPL, name) == 0;
}

// Whether `bytes` at `p` are all `value`.
static inline bool is_filled(const void *p, unsigned char value, size_t bytes)
{
    const unsigned char *at = p;
    return bytes == 0 || (at[0] == value && memcmp(at, at + 1, bytes - 1) == 0);
}

#endif
