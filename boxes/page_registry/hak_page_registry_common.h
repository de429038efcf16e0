// Steps that every implementation shares.
#ifndef HAK_PAGE_REGISTRY_COMMON_H
#define HAK_PAGE_REGISTRY_COMMON_H

#include "hak_page_registry.h"

// To be called with each granule recorded; the first one stays.
void hak_page_registry_set_anchor(const void *start);

#endif
