// Size classes and the geometry of their slabs: the one definition of both.
//
//   class   0     1   2 ...  8     9   10   11   12    13 ...          24    25 ...     56
//   bytes   8    16  32 ... 128   160  192  224  256   320 ...         2048  2560 ...   512 KiB
//           |--- multiples of 16 --|---- four per doubling ------------------------------|
//           |------------------------- tiny (one-granule slabs) -------------|--- pool ---|
//
// Worst internal waste is 25 % just above a class (160 for 129), under 10 % on average.
//
// With -Dheader_classidx=true the last byte of each stride belongs to the *next* block, whose class
// it names, so a block keeps its alignment and can hold one byte less.  Classes whose size is a
// multiple of the smallest page carry no header: their blocks start at page starts, where the
// class is looked up in the registry anyway.
#ifndef HAK_CLASS_H
#define HAK_CLASS_H

#include "hak_base.h"

enum {
    HAK_CLASS_COUNT = 57,
    HAK_TINY_CLASSES = 25,
    HAK_TINY_MAX_BYTES = 2048,
    HAK_POOL_MAX_BYTES = 512 * 1024,
    HAK_BIN_SHIFT = 5, // a bin is 32 bytes: class << HAK_BIN_SHIFT is its place in a heap
    HAK_BIN_END = HAK_CLASS_COUNT << HAK_BIN_SHIFT,
    HAK_SLAB_MAX_GRANULES = 8,
    HAK_SLAB_MAX_BLOCKS = HAK_GRANULE_BYTES / 8,
    HAK_SLAB_MAX_WORDS = HAK_SLAB_MAX_BLOCKS / 64,
};

// Smallest class with a stride of at least n bytes.  Pre: n <= HAK_POOL_MAX_BYTES.
#define HAK_CLASS_OF_STRIDE(n)                                                                     \
    ((n) <= 8     ? 0u                                                                             \
     : (n) <= 128 ? ((unsigned)(n) + 15) / 16                                                      \
                  : 9u + ((unsigned)HAK_LOG2((n)-1) - 7) * 4 +                                     \
                        ((unsigned)(((n)-1) >> (HAK_LOG2((n)-1) - 2)) & 3))

// Bytes from one block of class c to the next.
#define HAK_CLASS_STRIDE(c)                                                                        \
    ((c) == 0   ? (size_t)8                                                                        \
     : (c) <= 8 ? (size_t)(c)*16                                                                   \
                : (size_t)(5 + ((c)-9) % 4) << (((c)-9) / 4 + 5))

HAK_FAST size_t hak_class_stride(unsigned size_class)
{
    return HAK_CLASS_STRIDE(size_class);
}

// Bytes of a block that its user may write, by its stride.
HAK_FAST size_t hak_usable_of_stride(size_t stride)
{
    return stride - (HAK_HEADER_CLASSIDX && stride % HAK_MIN_PAGE_BYTES != 0);
}

HAK_FAST size_t hak_class_usable(unsigned size_class)
{
    return hak_usable_of_stride(hak_class_stride(size_class));
}

// The smallest class whose blocks hold so many bytes.  A header takes one byte more; a request of
// whole pages gets a class without headers or one with room to spare.
// Pre: bytes <= HAK_POOL_MAX_BYTES.
HAK_FAST unsigned hak_class_of(size_t bytes)
{
    size_t stride = bytes + (HAK_HEADER_CLASSIDX && bytes % HAK_MIN_PAGE_BYTES != 0);
    return HAK_CLASS_OF_STRIDE(stride);
}

// The least request whose class has blocks that hold `bytes` and are aligned to `alignment`, a power
// of two.  Every multiple of a power of two either is a stride, or lies between strides that are
// multiples as well: where neighbours are further apart than that power, all its multiples are.
// Pre: bytes <= HAK_POOL_MAX_BYTES, alignment <= HAK_GRANULE_BYTES.
HAK_FAST size_t hak_class_aligned_request(size_t bytes, size_t alignment)
{
    bytes += bytes == 0;
    size_t header = HAK_HEADER_CLASSIDX && bytes % HAK_MIN_PAGE_BYTES != 0;
    return hak_round_up(bytes + header, alignment) - header;
}

// Offset of the class's bin in a heap.
HAK_FAST size_t hak_class_bin(unsigned size_class)
{
    return (size_t)size_class << HAK_BIN_SHIFT;
}

enum { HAK_TINY_BIN_OFFSETS = HAK_TINY_MAX_BYTES / 8 + 2 };

// Bin offset of the smallest class with a stride of at least 8 * i bytes.
extern HAK_HIDDEN const uint16_t hak_tiny_bin_offset[HAK_TINY_BIN_OFFSETS];

// Bin offset of the class for a request.  Pre: bytes <= HAK_TINY_MAX_BYTES.
HAK_FAST size_t hak_tiny_bin(size_t bytes)
{
    return hak_tiny_bin_offset[(bytes + HAK_HEADER_CLASSIDX + 7) / 8];
}

// The largest power of two that divides a class's stride: the alignment of its blocks, except that
// no block of a slab of 64 KiB granules is aligned to more than a granule.
HAK_FAST size_t hak_class_alignment(unsigned size_class)
{
    size_t stride = hak_class_stride(size_class);
    size_t alignment = stride & -stride;
    return alignment < HAK_GRANULE_BYTES ? alignment : HAK_GRANULE_BYTES;
}

// Bytes before the first block of a slab: room for its header, one alignment unit.
HAK_FAST size_t hak_class_first_byte(unsigned size_class)
{
    return hak_class_usable(size_class) < hak_class_stride(size_class)
               ? hak_class_alignment(size_class)
               : 0;
}

// Granules of one slab of the class: one for tiny; room for at least 8 blocks up to 64 KiB; the
// fewest granules without a remainder above that.
unsigned hak_class_granules(unsigned size_class);

// Blocks of one slab of the class.
unsigned hak_class_blocks(unsigned size_class);

#endif
