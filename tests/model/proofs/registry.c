// The arithmetic of registry indices, for every address in reach.
#include "proof.h"

#include "hak_page_registry.h"

// Slot, index and the bytes within a granule make up the address: no two granules share an entry.
void prove_an_address_has_one_entry(void)
{
    uintptr_t address = ANY();
    GIVEN(address >> HAK_ADDRESS_BITS == 0);
    const void *p = (const void *)address;
    uintptr_t slot = address >> HAK_RADIX_LEAF_BITS;
    size_t index = hak_radix_index(p);
    EXPECT(hak_radix_slot(p) == slot && slot < HAK_RADIX_ROOT_SLOTS);
    EXPECT(index < HAK_RADIX_LEAF_ENTRIES);
    EXPECT((slot << HAK_RADIX_LEAF_BITS | index << HAK_GRANULE_SHIFT |
            address % HAK_GRANULE_BYTES) == address);
    PROVED();
}
