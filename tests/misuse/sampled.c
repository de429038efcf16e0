// Bugs with a sampled block, for run_sampled.py.
#include "misuse.h"

#include <string.h>

enum { BYTES = 40, PAGE_BYTES = 4096 };

__attribute__((noinline)) static char *allocate(void)
{
    char *p = malloc(BYTES);
    memset(p, 1, BYTES);
    return misused(p);
}

__attribute__((noinline)) static void give_up(char *p)
{
    free(p);
}

int main(int count, char **arguments)
{
    const char *bug = count > 1 ? arguments[1] : "";
    volatile char *p = allocate();
    if (strcmp(bug, "read_after_free") == 0) {
        give_up((char *)p);
        return p[3];
    }
    if (strcmp(bug, "write_after_free") == 0) {
        give_up((char *)p);
        p[3] = 2;
    }
    if (strcmp(bug, "read_beyond") == 0)
        return p[BYTES + 8];
    if (strcmp(bug, "read_before") == 0)
        return p[-PAGE_BYTES];
    if (strcmp(bug, "write_beyond") == 0) {
        p[BYTES] = 2;
        give_up((char *)p);
    }
    if (strcmp(bug, "double_free") == 0) {
        give_up((char *)p);
        give_up((char *)p);
    }
    return 9;
}
