// What each implementation of the boundary has beside what it shows: hak_os_purge_each asks first.
#ifndef HAK_OS_PURGE_TOGETHER_H
#define HAK_OS_PURGE_TOGETHER_H

#include "hak_os_boundary.h"

// Gives back the pages of all ranges with one kernel call, counted as one purge.  False: that cannot
// be done, or was done for some of them only.  Threads: any.
bool hak_os_purge_together(const struct hak_os_range *ranges, unsigned count);

#endif
