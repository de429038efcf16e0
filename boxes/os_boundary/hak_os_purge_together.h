// What each implementation of the boundary has beside what it shows: hak_os_purge_each asks first.
#ifndef HAK_OS_PURGE_TOGETHER_H
#define HAK_OS_PURGE_TOGETHER_H

#include "hak_os_boundary.h"

// Gives back the pages of the ranges with one kernel call, counted as one purge.  Returns for how
// many, from the first on, that was done; 0 also where there is no such call.  Threads: any.
unsigned hak_os_purge_together(const struct hak_os_range *ranges, unsigned count);

#endif
