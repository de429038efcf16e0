// Trap 21: only a process with several threads gets a janitor, with all signals blocked; the child
// of a fork gets one of its own once it has several threads again. It gives memory back while every
// other thread sleeps, and is gone a while after these are.
#include "trap.h"
#include <pthread.h>
#include <sys/wait.h>

enum { BLOCKS = 3000, BLOCK_BYTES = 20000, LARGE = 6, LARGE_BYTES = 1 << 20, MIB = 1 << 20 };

static void come_and_go(void)
{
    static char *block[BLOCKS + LARGE];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS + LARGE; i++) {
            size_t bytes = i < BLOCKS ? BLOCK_BYTES : LARGE_BYTES;
            CHECK(block[i] = malloc(bytes));
            memset(block[i], 1, bytes);
        }
        for (int i = 0; i < BLOCKS + LARGE; i++)
            free(block[i]);
    }
}

static void *sleep_with_a_heap(void *nothing)
{
    free(malloc(100));
    pause();
    return nothing;
}

// Whether a thread named hakmem-janitor is there; all its signals must be blocked then, as far
// as they can be.
static int janitor_is_there(void)
{
    char command[200];
    snprintf(command, sizeof command,
             "cd /proc/%d/task && for t in *; do grep -q hakmem-janitor $t/comm && "
             "grep -q 'SigBlk:.*fffffffe7ffbfeff' $t/status && exit 0; done; exit 1",
             (int)getpid());
    return system(command) == 0;
}

static pthread_t gets_a_janitor_with_a_thread(void)
{
    come_and_go();
    CHECK(trap_task_count() == 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sleep_with_a_heap, NULL) == 0);
    come_and_go();
    for (int tenths = 0; tenths < 50 && !janitor_is_there(); tenths++)
        usleep(100 * 1000);
    CHECK(trap_task_count() == 3 && janitor_is_there());
    return thread;
}

static void loses_it_with_the_thread(pthread_t thread)
{
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
    for (int tenths = 0; tenths < 50 && trap_task_count() > 1; tenths++)
        usleep(100 * 1000);
    CHECK(trap_task_count() == 1);
}

int main(void)
{
    pthread_t thread = gets_a_janitor_with_a_thread();
    size_t before = trap_rss_bytes();
    for (int tenths = 0; tenths < 50 && trap_rss_bytes() > before - 8 * MIB; tenths++)
        usleep(100 * 1000);
    printf("resident: %zu KiB, then %zu\n", before / 1024, trap_rss_bytes() / 1024);
    CHECK(trap_rss_bytes() <= before - 8 * MIB);
    pid_t child = fork();
    if (child == 0) {
        loses_it_with_the_thread(gets_a_janitor_with_a_thread());
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    loses_it_with_the_thread(thread);
    loses_it_with_the_thread(gets_a_janitor_with_a_thread());
}
