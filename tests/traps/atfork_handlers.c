// Fork handlers of others run while the allocator is usable: no hang.
#include "trap.h"
#include <sys/wait.h>

extern int atfork_library_runs;

int main(void)
{
    alarm(5); // a hang is a failure
    for (int forks = 1; forks <= 10; forks++) {
        int status = 1;
        const pid_t pid = fork();
        trap_churn(forks, 100, 1 << 20);
        if (pid == 0)
            _exit(atfork_library_runs == 2 * forks ? 0 : 1);
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(atfork_library_runs == 2 * forks);
    }
}
