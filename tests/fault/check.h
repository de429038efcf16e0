// CHECK: says what failed and where, and ends the program.
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <unistd.h>

// Without stdio, which allocates.
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#endif
