// The size class tables.
#include "hak_class.h"

#define OFFSET(i) (uint16_t)(HAK_CLASS_OF_STRIDE((size_t)8 * (i)) << HAK_BIN_SHIFT)
#define OFFSETS_4(i) OFFSET(i), OFFSET((i) + 1), OFFSET((i) + 2), OFFSET((i) + 3)
#define OFFSETS_16(i) OFFSETS_4(i), OFFSETS_4((i) + 4), OFFSETS_4((i) + 8), OFFSETS_4((i) + 12)
#define OFFSETS_64(i)                                                                              \
    OFFSETS_16(i), OFFSETS_16((i) + 16), OFFSETS_16((i) + 32), OFFSETS_16((i) + 48)

const uint16_t hak_tiny_bin_offset[HAK_TINY_BIN_OFFSETS] = {
    OFFSETS_64(0), OFFSETS_64(64), OFFSETS_64(128), OFFSETS_64(192), OFFSET(256), OFFSET(257),
};

_Static_assert(HAK_CLASS_STRIDE(HAK_TINY_CLASSES - 1) == HAK_TINY_MAX_BYTES, "last tiny class");
_Static_assert(HAK_CLASS_STRIDE(HAK_CLASS_COUNT - 1) == HAK_POOL_MAX_BYTES, "last pool class");

unsigned hak_class_granules(unsigned size_class)
{
    size_t stride = hak_class_stride(size_class);
    if (stride <= HAK_GRANULE_BYTES)
        return (unsigned)(hak_round_up(8 * stride, HAK_GRANULE_BYTES) / HAK_GRANULE_BYTES);
    return (unsigned)(stride / hak_class_alignment(size_class));
}

unsigned hak_class_blocks(unsigned size_class)
{
    size_t bytes = (size_t)hak_class_granules(size_class) * HAK_GRANULE_BYTES;
    return (unsigned)((bytes - hak_class_first_byte(size_class)) / hak_class_stride(size_class));
}
