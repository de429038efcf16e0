// Builds without libnuma: pages come from where they are first touched.
#include "hak_os_boundary.h"

unsigned hak_os_node(void)
{
    return 0;
}

bool hak_os_place(void *p, size_t bytes, unsigned node)
{
    (void)p;
    (void)bytes;
    (void)node;
    return false;
}
