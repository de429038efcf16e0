// Target: the page registry against a plain array.  Addresses are made up: it never follows one.
#include "arena.h"
#include "fuzz.h"
#include "hak_page_registry.h"

#include <string.h>

enum { GRANULES = 256, LONGEST = 16, PLACES = 4 };

struct cell {
    uint32_t entry; // 0: nothing recorded
    void *descriptor;
    unsigned first, count; // of the range it belongs to
};

static struct cell model[PLACES][GRANULES];
static struct fuzz_input *input;
static uint64_t operations; // look-ups not counted

// Where each array of granules lies: around a seam of 4 GiB, a few seams lower, at the lowest and
// at the highest addresses of all, the last of which no user memory has.
static uintptr_t address_of(unsigned place, unsigned i)
{
    const uintptr_t seam = (uintptr_t)ARENA_BASE + ARENA_BYTES / 2;
    const uintptr_t half = (uintptr_t)GRANULES / 2 * HAK_GRANULE_BYTES;
    const uintptr_t bases[PLACES] = {
        seam - half,
        seam - ((uintptr_t)3 << 32) - half,
        0,
        ((uintptr_t)1 << HAK_ADDRESS_BITS) - half,
    };
    return bases[place] + (uintptr_t)i * HAK_GRANULE_BYTES;
}

static void expect_cell(unsigned place, unsigned i, unsigned within)
{
    const struct cell *cell = &model[place][i];
    const void *p = (void *)(address_of(place, i) + within);
    uint32_t tag = 0x1234u << HAK_ENTRY_OWNER_SHIFT;
    size_t xored = hak_page_registry_entry_xor(p, &tag);
    FUZZ_CHECK(hak_page_registry_entry(p) == cell->entry, "%p, wants %x", p, cell->entry);
    FUZZ_CHECK(xored == (cell->entry ^ tag) || (cell->entry == 0 && xored == SIZE_MAX), "%p", p);
    FUZZ_CHECK(cell->entry == 0 || hak_page_registry_descriptor(p) == cell->descriptor, "%p", p);
}

static void expect_all(void)
{
    for (unsigned place = 0; place < PLACES; place++) {
        for (unsigned i = 0; i < GRANULES; i++)
            expect_cell(place, i, 0);
    }
}

static void remove_range(unsigned place, unsigned i)
{
    struct cell cell = model[place][i];
    hak_page_registry_remove((void *)address_of(place, cell.first), cell.count);
    memset(&model[place][cell.first], 0, cell.count * sizeof cell);
    operations++;
}

static void add_range(unsigned place, unsigned first)
{
    unsigned longest = 1 + fuzz_below(input, LONGEST), refusals = arena_refusals();
    struct cell cell = {.first = first, .entry = fuzz_number(input, 4) | 1};
    cell.descriptor = (void *)(uintptr_t)(64u * fuzz_number(input, 2));
    while (cell.count < longest && first + cell.count < GRANULES &&
           model[place][first + cell.count].entry == 0)
        cell.count++;
    const void *start = (void *)(address_of(place, first) + fuzz_below(input, HAK_GRANULE_BYTES));
    operations++;
    if (hak_page_registry_add(start, cell.count, cell.entry, cell.descriptor)) {
        uintptr_t last = address_of(place, first + cell.count - 1);
        FUZZ_CHECK(last >> HAK_ADDRESS_BITS == 0, "%p is out of reach", start);
        for (unsigned i = 0; i < cell.count; i++)
            model[place][first + i] = cell;
    } else if (place == 0) { // elsewhere it may be out of reach
        FUZZ_CHECK(arena_refusals() != refusals, "%p refused", start);
    }
}

static void change(void)
{
    unsigned place = fuzz_below(input, PLACES), i = fuzz_number(input, 1) % GRANULES;
    if (model[place][i].entry != 0)
        remove_range(place, i);
    else
        add_range(place, i);
    for (unsigned n = 0; n < LONGEST + 2; n++)
        expect_cell(place, (i + n + GRANULES - 1) % GRANULES, n * 3851);
}

void fuzz_start(void)
{
}

uint64_t fuzz_run(struct fuzz_input *from)
{
    input = from;
    // The first range decides which addresses a small table is for.
    FUZZ_CHECK(hak_page_registry_add((void *)address_of(0, 0), 1, 1, NULL), "the first range");
    hak_page_registry_remove((void *)address_of(0, 0), 1);
    while (input->at < input->end) {
        switch (fuzz_below(input, 8)) {
        case 0:
            arena_fail(input);
            break;
        case 1:
            arena_relent();
            break;
        case 2:
            expect_all();
            break;
        default:
            change();
        }
    }
    expect_all();
    return operations;
}
