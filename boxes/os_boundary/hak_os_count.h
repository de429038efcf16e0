// Bookkeeping shared by the implementations of the boundary.
#ifndef HAK_OS_COUNT_H
#define HAK_OS_COUNT_H

#include "hak_os_boundary.h"

enum hak_os_call {
    HAK_OS_MAP,
    HAK_OS_UNMAP,
    HAK_OS_PURGE,
    HAK_OS_RESIZE,
    HAK_OS_PLACE,
    HAK_OS_CALLS
};

// Counts one kernel call of the given kind.  Threads: any.
void hak_os_count_call(enum hak_os_call kind);
// Whether the limit allows a mapping of `bytes` more; a refusal is counted.  Threads: any.
bool hak_os_limit_allows(size_t bytes);
// Counts a refusal by the kernel.  Threads: any.
void hak_os_count_refusal(void);
// Records that `grown` bytes were mapped and `shrunk` bytes unmapped.  Threads: any.
void hak_os_count_bytes(size_t grown, size_t shrunk);

#endif
