// With a janitor, what is free beyond the bound waits for a quarter of a second: a program that needs
// it again meanwhile pays for no page faults.  A diet has no such patience.
#include "expect.h"
#include "hak_option.h"
#include "hak_span.h"
#include "hak_upkeep.h"

#include <hakmem/hakmem.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 150, BLOCK_BYTES = 400000, MIB = 1024 * 1024, TRIES = 5, BUSY = 2 };

static void *sleep_with_a_heap(void *nothing)
{
    hak_free(hak_alloc(100));
    pause();
    return nothing;
}

// False where the machine may have been too busy.
static bool excess_waits_and_goes(void)
{
    pthread_t thread;
    static char *blocks[BLOCKS];
    EXPECT(pthread_create(&thread, NULL, sleep_with_a_heap, NULL) == 0, "no thread");
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_alloc(BLOCK_BYTES);
        EXPECT(blocks[i] != NULL, "block %d", i);
    }
    hak_upkeep(true);
    usleep(100 * 1000); // for the janitor to be there
    for (int i = 0; i < BLOCKS; i++)
        hak_free(blocks[i]);
    size_t soon = hak_span_totals().dirty_bytes;
    usleep(600 * 1000);
    size_t later = hak_span_totals().dirty_bytes;
    printf("%zu KiB dirty, then %zu\n", soon / 1024, later / 1024);
    fflush(stdout);
    return hak_options.diet ? soon < 16 * MIB : soon > 48 * MIB && later <= 8 * MIB;
}

int main(void)
{
    if (!hak_options.janitor)
        return 77; // skipped
    for (int tries = 0; tries < TRIES; tries++) {
        int status;
        pid_t child = fork(); // which regrets nothing that was given back
        if (child == 0)
            _exit(excess_waits_and_goes() ? 0 : BUSY);
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status), "status %d", status);
        if (WEXITSTATUS(status) != BUSY)
            return WEXITSTATUS(status);
    }
    return 1;
}
