// The kernel takes no pages back from a process that has locked its memory: being refused must not
// cost a system call a free. The count is the one that HAKMEM_VERBOSE prints.
#include "trap.h"
#include <sys/mman.h>

enum { BLOCKS = 100000, BYTES = 300, MOST_CALLS = 1000, SKIPPED = 77 };

static void churn(void)
{
    static void *block[BLOCKS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++)
            memset(block[i] = malloc(BYTES), 1, BYTES);
        for (int i = 0; i < BLOCKS; i++)
            if (i % 64)
                free(block[i]);
        for (int i = 0; i < BLOCKS; i += 64)
            free(block[i]);
    }
}

int main(int argc, char **argv)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        perror("mlockall");
        return SKIPPED;
    }
    if (argc > 1) {
        churn();
        return 0;
    }
    char command[4200], line[300];
    const char *count = NULL;
    snprintf(command, sizeof command, "HAKMEM_VERBOSE=1 '%s' churn 2>&1", argv[0]);
    FILE *child = popen(command, "r");
    CHECK(child && fgets(line, sizeof line, child));
    CHECK(count = strstr(line, "memory system calls: "));
    CHECK(pclose(child) == 0);
    printf("%s", line);
    CHECK(atoi(strchr(count, ':') + 1) < MOST_CALLS);
}
