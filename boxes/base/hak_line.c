#include "hak_line.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

void hak_line_add(struct hak_line *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof line->text - 1)
        line->text[line->length++] = *text++;
}

static void add_number(struct hak_line *line, uint64_t value, unsigned base)
{
    char digits[24];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    hak_line_add(line, first);
}

void hak_line_add_hex(struct hak_line *line, uintptr_t value)
{
    hak_line_add(line, "0x");
    add_number(line, value, 16);
}

void hak_line_add_decimal(struct hak_line *line, uint64_t value)
{
    add_number(line, value, 10);
}

void hak_line_emit(struct hak_line *line)
{
    int saved_errno = errno;
    line->text[line->length++] = '\n';
    (void)!syscall(SYS_write, STDERR_FILENO, line->text, line->length);
    errno = saved_errno;
}
