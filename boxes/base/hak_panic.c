// The last words.
#include "hak_line.h"

#include <stdlib.h>

void hak_panic(const char *what, const void *p, const char *hint)
{
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: ");
    hak_line_add(&line, what);
    if (p != NULL) {
        hak_line_add(&line, " ");
        hak_line_add_hex(&line, (uintptr_t)p);
    }
    hak_line_add(&line, ": ");
    hak_line_add(&line, hint);
    hak_line_emit(&line);
    abort();
}

void hak_warn(const char *what, const char *detail)
{
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: ");
    hak_line_add(&line, what);
    hak_line_add(&line, " ");
    hak_line_add(&line, detail);
    hak_line_emit(&line);
}
