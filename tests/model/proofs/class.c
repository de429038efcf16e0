// Size classes, for every size.
#include "proof.h"

#include "hak_class.c"

void prove_class_of_is_the_smallest_that_holds(void)
{
    size_t bytes = ANY();
    GIVEN(bytes <= HAK_POOL_MAX_BYTES);
    unsigned size_class = hak_class_of(bytes);
    EXPECT(size_class <= HAK_CLASS_COUNT);
    EXPECT(size_class == HAK_CLASS_COUNT || hak_class_usable(size_class) >= bytes);
    EXPECT(size_class == 0 || hak_class_usable(size_class - 1) < bytes);
    PROVED();
}

void prove_class_of_is_monotone(void)
{
    size_t less = ANY(), more = ANY();
    GIVEN(less <= more && more <= HAK_POOL_MAX_BYTES);
    EXPECT(hak_class_of(less) <= hak_class_of(more));
    PROVED();
}

void prove_tiny_table_agrees(void)
{
    size_t bytes = ANY();
    GIVEN(bytes <= HAK_TINY_MAX_BYTES);
    EXPECT(hak_tiny_bin(bytes) == (size_t)hak_class_of(bytes) << HAK_BIN_SHIFT);
    PROVED();
}

void prove_slabs_fit_their_span(void)
{
    unsigned size_class = (unsigned)ANY();
    GIVEN(size_class < HAK_CLASS_COUNT);
    unsigned granules = hak_class_granules(size_class);
    EXPECT(granules >= 1 && granules <= HAK_SLAB_MAX_GRANULES);
    EXPECT(granules == 1 || size_class >= HAK_TINY_CLASSES);
    PROVED();
}
