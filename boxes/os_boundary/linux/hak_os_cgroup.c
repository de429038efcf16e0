// The memory limit of the process's control group (version 2), and of the groups around it.
#include "hak_os_boundary.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

enum { PATH_BYTES = 4096 + 64 };

// Reads a small file as a string.  False: it cannot be read, or is longer.
static bool read_file(const char *path, char *text, size_t room)
{
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    long length = syscall(SYS_read, file, text, room - 1);
    syscall(SYS_close, file);
    if (length < 0 || (size_t)length == room - 1)
        return false;
    text[length] = '\0';
    return true;
}

// "max" is no number: SIZE_MAX.
static size_t parse_bytes(const char *text)
{
    size_t bytes = 0;
    if (*text < '0' || *text > '9')
        return SIZE_MAX;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(bytes, 10, &bytes) ||
            __builtin_add_overflow(bytes, (size_t)(*text - '0'), &bytes))
            return SIZE_MAX;
    }
    return bytes;
}

static size_t limit_of_group(char *path, size_t length)
{
    static const char name[] = "/memory.max";
    char text[32];
    memcpy(path + length, name, sizeof name);
    bool found = read_file(path, text, sizeof text);
    path[length] = '\0';
    return found ? parse_bytes(text) : SIZE_MAX;
}

static size_t least_limit(void)
{
    char groups[PATH_BYTES], path[2 * PATH_BYTES] = CGROUP_ROOT;
    if (!read_file("/proc/self/cgroup", groups, sizeof groups))
        return SIZE_MAX;
    const char *own = strstr(groups, "0::/"); // the line of version 2
    if (own == NULL)
        return SIZE_MAX;
    own += sizeof "0::" - 1;
    size_t length = strlen(CGROUP_ROOT), own_length = strcspn(own, "\n");
    memcpy(path + length, own, own_length);
    size_t least = SIZE_MAX;
    for (length += own_length; length >= strlen(CGROUP_ROOT); length--) {
        if (path[length] != '\0' && path[length] != '/')
            continue; // not the end of a group's name
        path[length] = '\0';
        size_t limit = limit_of_group(path, length);
        least = limit < least ? limit : least;
    }
    return least;
}

size_t hak_os_group_limit(void)
{
    int saved_errno = errno;
    size_t limit = least_limit();
    errno = saved_errno;
    return limit;
}
