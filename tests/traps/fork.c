// Trap 4: fork while 8 threads allocate. Each child allocates, frees what it inherited, starts a
// thread and leaves through exit or _exit; the parent goes on. posix_spawn and vfork in between; a
// single-threaded process may also use _Fork. Argument: number of children (default 150).
#define _GNU_SOURCE
#include "trap.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { THREADS = 8, BLOCKS = 500 };
static _Atomic bool xstop;
static void *inherited[BLOCKS];

static void *allocate_all_along(void *seed)
{
    for (uint64_t s = (uintptr_t)seed; !xstop; s++) {
        trap_churn(s, 300, 1 << 20);
        usleep(1000); // leave the machine some room for the children
    }
    return NULL;
}

static void *short_thread(void *seed)
{
    trap_churn((uintptr_t)seed, 500, 1 << 20);
    return NULL;
}

static void child(int number)
{
    pthread_t thread;
    alarm(20); // a hang is a failure
    trap_churn(number + 1, 500, 1 << 20);
    for (int i = 0; i < BLOCKS; i++)
        free(inherited[i]);
    CHECK(pthread_create(&thread, NULL, short_thread, (void *)(uintptr_t)(number + 7)) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    if (number % 10 == 0) { // a grandchild
        const pid_t pid = fork();
        int status = 1;
        if (pid == 0)
            trap_churn(number + 3, 500, 1 << 20), exit(0);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    if (number % 2)
        exit(0);
    _exit(0);
}

static void wait_for(pid_t pid)
{
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

static void fork_children(int children, pid_t (*make)(void))
{
    for (int number = 0; number < children; number++) {
        for (int i = 0; i < BLOCKS; i++)
            CHECK(inherited[i] = malloc(i * 20));
        const pid_t pid = make();
        if (pid == 0)
            child(number);
        for (int i = 0; i < BLOCKS; i++)
            free(inherited[i]);
        wait_for(pid);
    }
}

static void spawn_true(void)
{
    extern char **environ;
    char *argv[] = {"true", NULL};
    pid_t pid;
    CHECK(posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0);
    wait_for(pid);
    if ((pid = vfork()) == 0)
        execvp("true", argv), _exit(127);
    wait_for(pid);
}

static void *fork_from_a_thread(void *unused)
{
    fork_children(5, fork);
    return unused;
}

int main(int argc, char **argv)
{
    const int children = argc > 1 ? atoi(argv[1]) : 150;
    pthread_t threads[THREADS], forker;
    fork_children(20, _Fork);
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, allocate_all_along, (void *)(uintptr_t)(i + 1)));
    for (int done = 0; done < children; done += 50) {
        fork_children(children - done < 50 ? children - done : 50, fork);
        spawn_true();
    }
    CHECK(!pthread_create(&forker, NULL, fork_from_a_thread, NULL) && !pthread_join(forker, NULL));
    xstop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}
