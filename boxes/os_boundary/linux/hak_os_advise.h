// madvise(2), counted as a call of the given kind; errno stays.
#ifndef HAK_OS_ADVISE_H
#define HAK_OS_ADVISE_H

#include "hak_os_count.h"

bool hak_os_advise(void *p, size_t bytes, int advice, enum hak_os_call kind);

#endif
