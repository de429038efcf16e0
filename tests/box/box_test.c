#include "box_test.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_child;

_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...)
{
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (!is_child && gettid() == getpid())
        cr_assert_fail("%s:%d: not so: %s%s", file, line, condition, detail);
    dprintf(STDERR_FILENO, "%s:%d: not so: %s%s\n", file, line, condition, detail);
    if (is_child)
        _exit(1);
    abort(); // a thread of the test: Criterion sees the signal
}

static void read_all(int from, char *text, size_t room)
{
    size_t length = 0;
    char rest[512];
    for (;;) {
        bool full = length == room - 1;
        ssize_t got = read(from, full ? rest : text + length,
                           full ? sizeof rest : room - 1 - length);
        if (got <= 0)
            break;
        length += full ? 0 : (size_t)got;
    }
    text[length] = '\0';
}

const struct outcome *in_child(void (*action)(void *), void *argument)
{
    static struct outcome outcome;
    int ends[2];
    expect(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) {
        is_child = true;
        alarm(60);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        action(argument);
        _exit(0);
    }
    close(ends[1]);
    read_all(ends[0], outcome.errors, sizeof outcome.errors);
    close(ends[0]);
    int status;
    expect(waitpid(child, &status, 0) == child);
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return &outcome;
}

void succeed_in_child(void (*action)(void *), void *argument)
{
    const struct outcome *outcome = in_child(action, argument);
    expect(outcome->signal == 0 && outcome->code == 0, "signal %d, exit %d, stderr: %s",
           outcome->signal, outcome->code, outcome->errors);
}

void expect_panic(void (*action)(void *), void *argument, const char *text)
{
    const struct outcome *outcome = in_child(action, argument);
    const char *errors = outcome->errors;
    expect(outcome->signal == SIGABRT, "no abort but signal %d, exit %d; stderr: %s",
           outcome->signal, outcome->code, errors);
    expect(strncmp(errors, "hakmem: ", 8) == 0 && strstr(errors, text) != NULL,
           "wanted \"%s\", got: %s", text, errors);
    const char *end = strchr(errors, '\n');
    expect(end != NULL && end[1] == '\0', "not one line: %s", errors);
}
