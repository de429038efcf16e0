// The registry's contract.  Addresses are made up: it never follows one.
#include "fake_calls.h"
#include "hak_page_registry.h"

#include <stdlib.h>

enum { GRANULE = HAK_GRANULE_BYTES, LIMIT = 96 * 1024 * 1024 };

static const uintptr_t seam = (uintptr_t)0x7f12 << 32; // a multiple of 4 GiB

// The flat registry reserves what it gets: a window of 64 GiB of addresses will do,
// most of it below the first address recorded.
static void few_mappings(void)
{
    hak_fake_os_limit(LIMIT);
}

TestSuite(page_registry, .init = few_mappings);

static const void *at(uintptr_t address)
{
    return (const void *)address;
}

static void *descriptor(uintptr_t number)
{
    return (void *)(number * 64);
}

static void expect_absent(const void *p)
{
    uint32_t tag = 0xabcd << HAK_ENTRY_OWNER_SHIFT;
    expect(hak_page_registry_entry(p) == 0, "%p", p);
    size_t xored = hak_page_registry_entry_xor(p, &tag);
    expect(xored == tag || xored == SIZE_MAX, "%p reads %zx", p, xored);
    if ((uintptr_t)p >> HAK_ADDRESS_BITS != 0)
        expect(xored == SIZE_MAX, "%p reads %zx", p, xored);
}

static void expect_strangers_absent(void)
{
    static int in_data;
    int on_stack;
    void *on_heap = malloc(100);
    const void *some[] = {NULL,
                          &on_stack,
                          &in_data,
                          on_heap,
                          (void *)(uintptr_t)expect_absent,
                          stderr,
                          at(UINTPTR_MAX),
                          at(0xffffffffff600000)};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        expect_absent(some[i]);
    free(on_heap);
    for (unsigned bit = 0; bit < 64; bit++) {
        expect_absent(at((uintptr_t)1 << bit));
        expect_absent(at(((uintptr_t)1 << bit) - 1));
        expect_absent(at(((uintptr_t)1 << bit) + 4711));
    }
}

// entry 0: absent
static void expect_entry(uintptr_t address, uint32_t entry, void *descriptor)
{
    uint32_t tag = 0x1234 << HAK_ENTRY_OWNER_SHIFT;
    const uintptr_t places[] = {0, 1, 8, 4096, GRANULE / 2 + 3, GRANULE - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const void *p = at(address + places[i]);
        expect(hak_page_registry_entry(p) == entry, "%p", p);
        if (entry == 0) {
            expect_absent(p);
            continue;
        }
        expect(hak_page_registry_entry_xor(p, &tag) == (entry ^ tag), "%p", p);
        expect(hak_page_registry_descriptor(p) == descriptor, "%p", p);
    }
}

Test(page_registry, knows_nobody_at_first_nor_strangers_later)
{
    expect_strangers_absent();
    expect(!hak_page_registry_near(NULL) && !hak_page_registry_near(at(seam)));
    expect(hak_page_registry_add(at(seam), 3, 0xffffffff, descriptor(1)));
    expect_strangers_absent();
    expect_absent(at(seam - 1));
    expect_absent(at(seam + 3 * GRANULE));
    expect(hak_page_registry_near(at(seam + 2 * GRANULE + 1)) && !hak_page_registry_near(NULL));
    expect(!hak_page_registry_near(at(UINTPTR_MAX)) && !hak_page_registry_near(at(seam / 2)));
}

Test(page_registry, ranges_cross_the_4_gib_seam)
{
    for (uintptr_t below = 0; below <= 4; below++) {
        uintptr_t start = seam - below * GRANULE;
        expect(hak_page_registry_add(at(start), 4, 0x801, descriptor(7)));
        for (uintptr_t i = 0; i < 4; i++)
            expect_entry(start + i * GRANULE, 0x801, descriptor(7));
        expect_absent(at(start - 1));
        expect_absent(at(start + 4 * GRANULE));
        hak_page_registry_remove(at(start), 4);
        for (uintptr_t i = 0; i < 4; i++)
            expect_absent(at(start + i * GRANULE));
    }
}

// False or all of it; and always the one for addresses that no user memory has.
Test(page_registry, addresses_out_of_reach)
{
    expect(hak_page_registry_add(at(seam), 1, 0x801, descriptor(1)));
    expect(!hak_page_registry_add(at((uintptr_t)1 << HAK_ADDRESS_BITS), 1, 0x802, descriptor(2)));
    expect(!hak_page_registry_add(at(UINTPTR_MAX - GRANULE + 1), 1, 0x802, descriptor(2)));
    uintptr_t last = ((uintptr_t)1 << HAK_ADDRESS_BITS) - GRANULE;
    expect(!hak_page_registry_add(at(last), 2, 0x802, descriptor(2)));
    expect_absent(at(last));
    const uintptr_t places[] = {0, GRANULE, (uintptr_t)1 << 36, seam / 2, last};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (hak_page_registry_add(at(places[i]), 1, 0x803, descriptor(3)))
            expect_entry(places[i], 0x803, descriptor(3));
        else
            expect_absent(at(places[i]));
    }
    expect_entry(seam, 0x801, descriptor(1));
}

// Where reach ends, if it does, a range is recorded whole or not at all.
Test(page_registry, ranges_across_the_end_of_reach)
{
    expect(hak_page_registry_add(at(seam), 1, 0x801, descriptor(1)));
    uintptr_t within = seam / GRANULE, beyond = ((uintptr_t)1 << HAK_ADDRESS_BITS) / GRANULE;
    while (beyond - within > 1) {
        uintptr_t middle = within + (beyond - within) / 2;
        bool added = hak_page_registry_add(at(middle * GRANULE), 1, 0x802, descriptor(2));
        if (added)
            hak_page_registry_remove(at(middle * GRANULE), 1);
        *(added ? &within : &beyond) = middle;
    }
    expect(!hak_page_registry_add(at(within * GRANULE), 2, 0x803, descriptor(3)));
    expect_absent(at(within * GRANULE));
    expect_absent(at(beyond * GRANULE));
    expect(hak_page_registry_add(at(within * GRANULE), 1, 0x804, descriptor(4)));
    expect_entry(within * GRANULE, 0x804, descriptor(4));
}

static void add_across_seam(bool may_fail)
{
    uintptr_t start = seam - 2 * GRANULE;
    bool added = hak_page_registry_add(at(start), 4, 0x801, descriptor(1));
    expect(added || may_fail);
    for (uintptr_t i = 0; i < 4; i++)
        expect_entry(start + i * GRANULE, added ? 0x801 : 0, descriptor(1));
    if (added)
        hak_page_registry_remove(at(start), 4);
    for (uintptr_t i = 0; i < 4; i++)
        expect_absent(at(start + i * GRANULE));
}

Test(page_registry, without_memory_nothing_is_recorded)
{
    expect(fail_each_call(add_across_seam) >= 1);
    hak_fake_os_fail(0, UINT_MAX);
    expect(!hak_page_registry_add(at(seam), 1, 0x801, descriptor(1)));
    expect_absent(at(seam));
}

// --- random ranges against a plain array of granules

enum { GRANULES = 512, LONGEST = 9 };
static struct cell {
    uint32_t entry;
    void *descriptor;
    unsigned first, count; // of the range that the granule is part of
} model[GRANULES];

static uintptr_t model_address(unsigned i)
{
    return seam + ((uintptr_t)i - GRANULES / 2) * GRANULE;
}

static void remove_range(unsigned first, unsigned count)
{
    hak_page_registry_remove(at(model_address(first)), count);
    memset(&model[first], 0, count * sizeof model[0]);
}

static void add_range(struct dice *dice, unsigned first)
{
    unsigned longest = 1 + dice_roll(dice, LONGEST);
    struct cell cell = {.entry = (uint32_t)dice_bits(dice) | 1, .first = first};
    cell.descriptor = descriptor(dice_bits(dice) >> 20);
    while (cell.count < longest && first + cell.count < GRANULES &&
           model[first + cell.count].entry == 0)
        cell.count++;
    const void *start = at(model_address(first) + dice_roll(dice, GRANULE));
    expect(hak_page_registry_add(start, cell.count, cell.entry, cell.descriptor));
    for (unsigned i = 0; i < cell.count; i++)
        model[first + i] = cell;
}

Test(page_registry, agrees_with_a_plain_array)
{
    struct dice dice = dice_from(2);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = dice_roll(&dice, GRANULES);
        if (model[i].entry != 0)
            remove_range(model[i].first, model[i].count);
        else
            add_range(&dice, i);
        for (i = step % 16; i < GRANULES; i += step % 100 == 0 ? 1 : 16)
            expect_entry(model_address(i), model[i].entry, model[i].descriptor);
    }
}
