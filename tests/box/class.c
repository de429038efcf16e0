// Size classes against a naive search in a table made from the words of the design.
#include "box_test.h"
#include "hak_class.h"

static size_t strides[HAK_CLASS_COUNT];

// 8, multiples of 16 up to 128, then four per doubling.
static void make_strides(void)
{
    unsigned count = 0;
    strides[count++] = 8;
    for (size_t stride = 16; stride <= 128; stride += 16)
        strides[count++] = stride;
    for (size_t doubling = 128; doubling < HAK_POOL_MAX_BYTES; doubling *= 2) {
        for (size_t quarter = 1; quarter <= 4; quarter++)
            strides[count++] = doubling + doubling / 4 * quarter;
    }
    expect(count == HAK_CLASS_COUNT && strides[count - 1] == HAK_POOL_MAX_BYTES);
    expect(strides[HAK_TINY_CLASSES - 1] == HAK_TINY_MAX_BYTES);
}

TestSuite(class, .init = make_strides);

// The last byte of a stride is the next block's header, except where blocks start at page starts.
static size_t naive_usable(unsigned size_class)
{
    return strides[size_class] - (HAK_HEADER_CLASSIDX && strides[size_class] % 4096 != 0 ? 1 : 0);
}

static unsigned naive_class_of(size_t bytes)
{
    unsigned size_class = 0;
    while (size_class < HAK_CLASS_COUNT && naive_usable(size_class) < bytes)
        size_class++;
    return size_class;
}

Test(class, strides_and_usable_sizes)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        expect(hak_class_stride(size_class) == strides[size_class], "class %u", size_class);
        expect(hak_class_usable(size_class) == naive_usable(size_class), "class %u", size_class);
    }
}

// Worst waste: under 16 bytes (and a header) up to 128 bytes, a quarter of the request above.
static void expect_little_waste(size_t bytes, unsigned size_class)
{
    size_t waste = strides[size_class] - bytes;
    size_t bound = bytes > 128 ? bytes / 4 : bytes > 8 ? 15 + HAK_HEADER_CLASSIDX : 8;
    if (HAK_HEADER_CLASSIDX && (bytes == 8 || bytes == 128))
        bound = bytes == 8 ? 8 : 32;
    expect(waste <= bound, "%zu wastes %zu", bytes, waste);
}

Test(class, every_byte_size_finds_the_smallest_class)
{
    unsigned size_class = 0;
    for (size_t bytes = 0; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
        while (naive_usable(size_class) < bytes)
            size_class++; // the naive search, begun where the one for the size before ended
        expect(size_class < HAK_CLASS_COUNT);
        expect(hak_class_of(bytes) == size_class, "%zu bytes: %u, not %u", bytes,
               hak_class_of(bytes), size_class);
        expect_little_waste(bytes, size_class);
        size_t alignment = hak_class_alignment(size_class);
        expect(alignment >= (bytes > 8 ? 16u : 8u), "%zu bytes at %zu", bytes, alignment);
    }
}

Test(class, tiny_requests_find_their_bin_by_table)
{
    for (size_t bytes = 0; bytes <= HAK_TINY_MAX_BYTES; bytes++)
        expect(hak_tiny_bin(bytes) == (size_t)naive_class_of(bytes) << HAK_BIN_SHIFT, "%zu", bytes);
    for (unsigned i = 0; i < HAK_TINY_BIN_OFFSETS; i++) {
        unsigned size_class = 0;
        while (strides[size_class] < (size_t)8 * i)
            size_class++;
        expect(hak_tiny_bin_offset[i] == size_class << HAK_BIN_SHIFT, "entry %u", i);
    }
}

Test(class, aligned_requests_find_the_smallest_class_that_is_aligned)
{
    for (size_t alignment = 1; alignment <= HAK_GRANULE_BYTES; alignment *= 2) {
        unsigned size_class = 0;
        for (size_t bytes = 0; bytes <= HAK_POOL_MAX_BYTES; bytes++) {
            while (naive_usable(size_class) < bytes || strides[size_class] % alignment != 0)
                size_class++; // the naive search again
            size_t request = hak_class_aligned_request(bytes, alignment);
            expect(request >= bytes && hak_class_of(request) == size_class, "%zu bytes at %zu: %zu",
                   bytes, alignment, request);
        }
    }
}

// Averages over sizes: all of them alike, and all doublings alike.
Test(class, average_waste_is_under_a_tenth)
{
    double all = 0, doublings = 0;
    unsigned doublings_count = 0;
    for (size_t low = 128; low < HAK_POOL_MAX_BYTES; low *= 2, doublings_count++) {
        double sum = 0;
        for (size_t bytes = low + 1; bytes <= 2 * low; bytes++) {
            unsigned size_class = hak_class_of(bytes);
            size_t stride = size_class < HAK_CLASS_COUNT ? strides[size_class] : bytes;
            sum += (double)(stride - bytes) / (double)stride;
        }
        all += sum;
        doublings += sum / (double)low;
    }
    all /= HAK_POOL_MAX_BYTES - 128;
    doublings /= doublings_count;
    fprintf(stderr, "average waste: %.2f %% over sizes, %.2f %% over doublings\n", 100 * all,
            100 * doublings);
    expect(all > 0.01 && all < 0.1 && doublings > 0.01 && doublings < 0.1, "%f, %f", all,
           doublings);
}

Test(class, slab_geometry)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        size_t stride = strides[size_class], alignment = hak_class_alignment(size_class);
        size_t largest = 1; // power of two up to a granule that divides the stride
        while (largest < HAK_GRANULE_BYTES && stride % (2 * largest) == 0)
            largest *= 2;
        expect(alignment == largest, "class %u: %zu", size_class, alignment);
        unsigned granules = hak_class_granules(size_class), blocks = hak_class_blocks(size_class);
        size_t room = (size_t)granules * HAK_GRANULE_BYTES,
               first = hak_class_first_byte(size_class);
        bool has_header = naive_usable(size_class) < stride;
        expect(first == (has_header ? alignment : 0), "class %u: %zu", size_class, first);
        expect(first + blocks * stride <= room && room < first + (blocks + 1) * stride,
               "class %u: %u blocks", size_class, blocks);
        expect(size_class >= HAK_TINY_CLASSES || granules == 1, "class %u", size_class);
        expect(granules <= HAK_SLAB_MAX_GRANULES && blocks <= HAK_SLAB_MAX_BLOCKS);
        expect(blocks >= (stride <= HAK_GRANULE_BYTES ? 8u : 1u), "class %u: %u", size_class,
               blocks);
        expect(stride <= HAK_GRANULE_BYTES || room == blocks * stride, "class %u: rest",
               size_class);
    }
}
