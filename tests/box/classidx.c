// Pointer -> bin.
#include "hak_classidx.h"
#include "hak_slab.h"
#include "small_registry.h"

#include <sys/mman.h>

enum { PAGE = HAK_MIN_PAGE_BYTES, TAG = 3 << HAK_ENTRY_OWNER_SHIFT };

static struct hak_slab_owner owner = {.tag = TAG};
static const uint32_t own_tag = TAG, other_tag = 4 << HAK_ENTRY_OWNER_SHIFT, no_tag = 0;

TestSuite(classidx, .init = small_registry);

static struct hak_slab *stamped_slab(unsigned size_class)
{
    struct hak_slab *slab = hak_slab_new(&owner, size_class);
    expect(slab != NULL);
    for (unsigned i = 0; i < slab->blocks; i++)
        hak_classidx_stamp(hak_slab_block(slab, i), size_class);
    return slab;
}

Test(classidx, own_blocks_find_their_bin)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = stamped_slab(size_class);
        for (unsigned i = 0; i < slab->blocks; i++) {
            size_t bin = hak_classidx_bin(hak_slab_block(slab, i), &own_tag);
            expect(bin == (size_t)size_class << HAK_BIN_SHIFT, "class %u, block %u: %zu",
                   size_class, i, bin);
        }
    }
}

// Their own class's bin, where the implementation sorts out owners later, or none.
Test(classidx, blocks_of_others)
{
    const uint32_t *const tags[] = {&other_tag, &no_tag};
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = stamped_slab(size_class);
        for (unsigned i = 0; i < slab->blocks; i++) {
            for (unsigned j = 0; j < 2; j++) {
                size_t bin = hak_classidx_bin(hak_slab_block(slab, i), tags[j]);
                bool own_bin = bin == (size_t)size_class << HAK_BIN_SHIFT;
                expect(bin >= HAK_BIN_END || (own_bin && is_impl("header")),
                       "class %u, block %u: %zu", size_class, i, bin);
            }
        }
    }
}

Test(classidx, stamps_spare_the_users_bytes)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = hak_slab_new(&owner, size_class);
        size_t usable = hak_class_usable(size_class);
        for (unsigned i = 0; i < slab->blocks; i++)
            memset(hak_slab_block(slab, i), 0x3c, usable);
        for (unsigned i = slab->blocks; i-- > 0;) // neighbours on both sides are written already
            hak_classidx_stamp(hak_slab_block(slab, i), size_class);
        for (unsigned i = 0; i < slab->blocks; i++) {
            char *block = hak_slab_block(slab, i);
            expect(is_filled(block, 0x3c, usable), "class %u, block %u", size_class, i);
            memset(block, 0x3d, usable); // nor do the user's bytes spoil a stamp
        }
        for (unsigned i = 0; i < slab->blocks; i++)
            expect(hak_classidx_bin(hak_slab_block(slab, i), &own_tag) < HAK_BIN_END);
    }
}

Test(classidx, stamps_stay_in_the_slab)
{
    static char room[2 * HAK_GRANULE_BYTES];
    char *base = (char *)hak_round_up((uintptr_t)room, HAK_GRANULE_BYTES / 2);
    for (unsigned size_class = 0; size_class < HAK_TINY_CLASSES; size_class++) {
        memset(room, 0x11, sizeof room);
        hak_classidx_stamp(base + hak_class_first_byte(size_class), size_class);
        expect(is_filled(room, 0x11, (size_t)(base - room)), "class %u", size_class);
    }
}

Test(classidx, strangers_have_no_bin)
{
    static char data[4096];
    expect(hak_page_registry_add(data, 1, HAK_BIN_END, data) ||
           true); // a large block's entry, if the address is in the table's reach
    const void *strangers[] = {NULL, data + 64, (void *)((uintptr_t)1 << 63),
                               (void *)((uintptr_t)1 << HAK_ADDRESS_BITS), (void *)-4096};
    const uint32_t *const tags[] = {&own_tag, &other_tag, &no_tag};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        for (unsigned j = 0; j < 3; j++) {
            // 0 is the bin of class 0 and no entry, for the heap without a tag: its bins are full.
            size_t bin = hak_classidx_bin(strangers[i], tags[j]);
            expect(bin >= HAK_BIN_END || (tags[j] == &no_tag && bin == 0), "%zu, %u: %zu", i, j,
                   bin);
        }
    }
}

Test(classidx, no_byte_before_a_page_is_read)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(pages != MAP_FAILED && mprotect(pages, PAGE, PROT_NONE) == 0);
    expect(hak_classidx_bin(pages + PAGE, &own_tag) >= HAK_BIN_END);
    for (unsigned i = 1; i < 64; i++) // of these the byte before is on the page and 0
        expect(hak_classidx_bin(pages + PAGE + i, &own_tag) >= HAK_BIN_END);
}
