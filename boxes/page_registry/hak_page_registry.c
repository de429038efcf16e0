#include "hak_page_registry_common.h"

uintptr_t hak_page_registry_anchor = HAK_PAGE_REGISTRY_NO_ANCHOR;

void hak_page_registry_set_anchor(const void *start)
{
    uintptr_t none = HAK_PAGE_REGISTRY_NO_ANCHOR;
    // Its line is everybody's: looking costs nothing, exchanging takes it from the others.
    if (__atomic_load_n(&hak_page_registry_anchor, __ATOMIC_RELAXED) != none)
        return;
    (void)__atomic_compare_exchange_n(&hak_page_registry_anchor, &none, (uintptr_t)start, false,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
