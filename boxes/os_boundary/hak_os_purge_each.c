#include "hak_os_purge_together.h"

unsigned hak_os_purge_each(const struct hak_os_range *ranges, unsigned count)
{
    unsigned done = count > 1 ? hak_os_purge_together(ranges, count) : 0;
    while (done < count && hak_os_purge(ranges[done].start, ranges[done].bytes))
        done++;
    return done;
}
