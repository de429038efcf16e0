// One line of text, built and written without allocation or stdio.
#ifndef HAK_LINE_H
#define HAK_LINE_H

#include "hak_base.h"

struct hak_line {
    char text[512]; // what does not fit is cut off
    size_t length;
};

void hak_line_add(struct hak_line *line, const char *text);
void hak_line_add_hex(struct hak_line *line, uintptr_t value); // 0x...
void hak_line_add_decimal(struct hak_line *line, uint64_t value);
// Writes the line and a newline to stderr by one write(2).  errno is preserved.
void hak_line_emit(struct hak_line *line);

#endif
