// Who called: what a stack held, kept for a report that may come much later.
//
// Frames are not unwound, because an allocator can neither rely on frame pointers nor call what
// unwinds (it allocates and takes the loader's locks).  A trace is a copy of the top of the stack;
// the report shows the words in it that follow a call instruction.  That finds every caller near
// enough, and now and then one that had returned already.
#ifndef HAK_TRACE_H
#define HAK_TRACE_H

#include "hak_base.h"

enum { HAK_TRACE_WORDS = 128 };

struct hak_trace {
    size_t words;
    uintptr_t stack[HAK_TRACE_WORDS];
};

// Copies the stack from the caller's frame upwards.  Cost: a system call.  errno is preserved.
void hak_trace_take(struct hak_trace *ret_trace);

// Writes one line for each caller: "  FILE+0xOFFSET", the place in the file.
void hak_trace_emit(const struct hak_trace *trace);

#endif
