// What a trace holds of a stack, and what its report shows of that.
#include "box_test.h"
#include "hak_trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { MARK = 0x5ca1ab1e };

static struct hak_trace trace;

__attribute__((noinline)) static void take(void)
{
    volatile uintptr_t mark = MARK;
    hak_trace_take(&trace);
    expect(mark == MARK);
}

static bool holds_mark(void)
{
    for (size_t i = 0; i < trace.words; i++) {
        if (trace.stack[i] == MARK)
            return true;
    }
    return false;
}

__attribute__((noinline)) static void take_from(size_t deeper)
{
    char *room = __builtin_alloca(deeper + 1);
    __asm__ volatile("" : : "r"(room) : "memory");
    take();
    __asm__ volatile("" : : "r"(room) : "memory");
}

Test(trace, it_is_whole_wherever_pages_end)
{
    for (size_t deeper = 0; deeper < HAK_MIN_PAGE_BYTES; deeper += 16) {
        memset(&trace, 0, sizeof trace);
        take_from(deeper);
        expect(trace.words == HAK_TRACE_WORDS && holds_mark(), "%zu words", trace.words);
    }
}

__attribute__((noinline)) static uintptr_t return_address(void)
{
    __asm__ volatile("");
    return (uintptr_t)__builtin_return_address(0);
}

// A place in the text that follows no call.
__asm__(".pushsection .text\n.rept 16\nnop\n.endr\nhak_no_call:\nnop\n.popsection");
extern const char hak_no_call[];

static void emit(void *unused)
{
    (void)unused;
    hak_trace_emit(&trace);
}

// The line says where in its file the code at `address` is.
static void expect_place(char *line, uintptr_t address)
{
    char *plus = strrchr(line, '+'), code[16];
    expect(strncmp(line, "  /", 3) == 0 && plus != NULL, "%s", line);
    *plus = '\0';
    int file = open(line + 2, O_RDONLY);
    off_t offset = (off_t)strtoull(plus + 1, NULL, 16);
    expect(pread(file, code, sizeof code, offset) == sizeof code, "%s", line);
    expect(memcmp(code, (const void *)address, sizeof code) == 0, "another place");
    close(file);
}

Test(trace, callers_are_shown_and_nothing_else)
{
    uintptr_t (*volatile from_pointer)(void) = return_address;
    uintptr_t called = return_address(), called_by_pointer = from_pointer();
    uintptr_t words[] = {0,
                         (uintptr_t)&words,
                         called,
                         1,
                         (uintptr_t)hak_no_call,
                         called_by_pointer,
                         (uintptr_t)&trace,
                         UINTPTR_MAX};
    trace.words = sizeof words / sizeof words[0];
    memcpy(trace.stack, words, sizeof words);
    char *lines = strdup(in_child(emit, NULL)->errors), *rest = NULL;
    char *first = strtok_r(lines, "\n", &rest), *second = strtok_r(NULL, "\n", &rest);
    expect(first != NULL && second != NULL && strtok_r(NULL, "\n", &rest) == NULL);
    expect_place(first, called);
    expect_place(second, called_by_pointer);
    free(lines);
}
