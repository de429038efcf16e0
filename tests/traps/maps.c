// Traps 18 and 21: frees in any pattern do not split mappings without end, and a single-threaded
// program stays single-threaded.
#include "trap.h"
#include <dirent.h>

enum { BLOCKS = 40000 };
static void *block[BLOCKS];

static int thread_count(void)
{
    int entries = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    while (readdir(tasks))
        entries++;
    closedir(tasks);
    return entries - 2; // . and ..
}

int main(void)
{
    uint64_t seed = 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++)
            CHECK(block[i] = calloc(1, 3000 + trap_random(&seed) % 20000));
        for (int i = 0; i < BLOCKS; i += 2)
            free(block[i]);
        CHECK(trap_map_count() < 500);
        for (int i = 1; i < BLOCKS; i += 2)
            free(block[i]);
        trap_churn(seed, 20000, 4 << 20);
    }
    CHECK(trap_map_count() < 500);
    CHECK(thread_count() == 1);
}
