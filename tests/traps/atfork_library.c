// For atfork_handlers.c: a library that allocates around fork, as many do, and whose constructor
// says so.
#include <pthread.h>
#include <stdlib.h>

int atfork_library_runs;

static void allocate(void)
{
    const size_t bytes[] = {16, 100000, 1 << 20, 3 << 20};
    for (int i = 0; i < 4; i++)
        free(malloc(bytes[i]));
    atfork_library_runs++;
}

__attribute__((constructor)) static void library_starts(void)
{
    pthread_atfork(allocate, allocate, allocate);
}
