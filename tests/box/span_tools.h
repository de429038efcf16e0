// Taking and giving spans, checked.
#ifndef SPAN_TOOLS_H
#define SPAN_TOOLS_H

#include "hak_option.h"
#include "hak_span.h"

#include "box_test.h"

enum { GRANULE = HAK_GRANULE_BYTES, MIB = 1024 * 1024, MIB_GRANULES = 16 };

static struct hak_span take_as(unsigned granules, bool large)
{
    struct hak_span span = {0};
    expect(hak_span_take(granules, large, &span), "%u granules", granules);
    hak_span_check();
    expect(span.granules == granules && (uintptr_t)span.base % GRANULE == 0);
    expect(!span.zero || is_filled(span.base, 0, (size_t)granules * GRANULE), "not zero");
    return span;
}

static struct hak_span take(unsigned granules)
{
    return take_as(granules, false);
}

static void give(const struct hak_span *span)
{
    hak_span_give(span);
    hak_span_check();
}

#endif
