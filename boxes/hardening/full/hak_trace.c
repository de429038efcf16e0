// The one file outside base and the boundary that asks for the processor: what a call looks like.
#include "hak_line.h"
#include "hak_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// By system call: a stack may end sooner than a trace, and then the rest is simply not read.
static size_t read_memory(void *to, uintptr_t from, size_t bytes)
{
    size_t head = HAK_MIN_PAGE_BYTES - from % HAK_MIN_PAGE_BYTES; // each part is read whole or not
    head = head < bytes ? head : bytes;
    struct iovec local = {to, bytes};
    struct iovec remote[] = {{(void *)from, head}, // NOLINT(performance-no-int-to-ptr)
                             {(char *)from + head, bytes - head}}; // NOLINT
    long done = syscall(SYS_process_vm_readv, getpid(), &local, 1, remote, 2, 0L);
    return done > 0 ? (size_t)done : 0;
}

void hak_trace_take(struct hak_trace *ret_trace)
{
    int saved_errno = errno;
    uintptr_t top = (uintptr_t)__builtin_frame_address(0);
    ret_trace->words = read_memory(ret_trace->stack, top, sizeof ret_trace->stack) /
                       sizeof(uintptr_t);
    errno = saved_errno;
}

// Whether the instruction before `code` is a call.  Pre: `code` is at least 8 bytes into text.
static bool follows_call(const unsigned char *code)
{
#if defined(__x86_64__)
    if (code[-5] == 0xe8) // call relative
        return true;
    for (int length = 2; length <= 7; length++) { // call through a register or memory: ff /2
        if (code[-length] == 0xff && (code[1 - length] >> 3 & 7) == 2)
            return true;
    }
    return false;
#elif defined(__aarch64__)
    uint32_t instruction;
    memcpy(&instruction, code - sizeof instruction, sizeof instruction);
    return (instruction & 0xfc000000) == 0x94000000 || (instruction & 0xfffffc1f) == 0xd63f0000;
#else
    (void)code;
    return true;
#endif
}

// /proc/self/maps, as many lines as fit.  One for all threads: the first to report is the last.
static const char *read_maps(void)
{
    static char text[256 * 1024];
    int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    long got;
    while ((got = syscall(SYS_read, file, text + length, sizeof text - length)) > 0)
        length += (size_t)got;
    while (length > 0 && text[length - 1] != '\n')
        length--;
    text[length > 0 ? length - 1 : 0] = '\0';
    syscall(SYS_close, file);
    return text;
}

static uintptr_t hex(const char **text)
{
    uintptr_t value = 0;
    for (;; (*text)++) {
        unsigned digit = (unsigned char)**text;
        if (digit >= '0' && digit <= '9')
            value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value * 16 + (digit - 'a' + 10);
        else
            return value;
    }
}

// "START-END PERMISSIONS OFFSET DEVICE INODE   FILE"
static bool emit_if_in(const char *map, uintptr_t address)
{
    uintptr_t start = hex(&map);
    map++;
    uintptr_t end = hex(&map);
    if (address < start + 8 || address >= end || map[1] != 'r' || map[3] != 'x')
        return false;
    const char *file = map;
    while (*file != '/' && *file != '\n' && *file != '\0')
        file++;
    if (*file != '/' || !follows_call((const unsigned char *)address)) // NOLINT
        return true;
    map += strlen(" r-xp ");
    uintptr_t offset = hex(&map);
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "  ");
    for (; *file != '\n' && *file != '\0' && line.length < sizeof line.text - 32; file++)
        line.text[line.length++] = *file;
    hak_line_add(&line, "+");
    hak_line_add_hex(&line, address - start + offset);
    hak_line_emit(&line);
    return true;
}

void hak_trace_emit(const struct hak_trace *trace)
{
    const char *maps = read_maps();
    for (size_t i = 0; i < trace->words; i++) {
        const char *map = maps;
        while (map != NULL && *map != '\0' && !emit_if_in(map, trace->stack[i])) {
            map = strchr(map, '\n');
            map = map != NULL ? map + 1 : NULL;
        }
    }
}
