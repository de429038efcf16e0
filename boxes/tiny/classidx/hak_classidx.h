// What bin does this pointer go to?  The question that free asks first.
#ifndef HAK_CLASSIDX_H
#define HAK_CLASSIDX_H

#include "hak_class.h"
#include "hak_page_registry.h"

// Offset of the bin in the heap with tag `*tag` that takes `p`, below HAK_BIN_END; HAK_BIN_END or more
// when the caller has to find out what `p` is (remote, large, foreign, NULL).
// Threads: any, wait-free.
HAK_FAST size_t hak_classidx_bin(const void *p, const uint32_t *tag);

// Prepares a block of the class for hak_classidx_bin, before it enters a thread cache.
HAK_FAST void hak_classidx_stamp(void *block, unsigned size_class);

#include "hak_classidx_impl.h" // the folder chosen by -Dheader_classidx=...
_Static_assert(sizeof(HAK_CLASSIDX_IMPL) > 1, "an implementation names itself");

#endif
