// Sets of granules, for every set of 128.
#include "proof.h"

#include "hak_granule_set.h"

static hak_granule_set any_set(void)
{
    return (hak_granule_set)ANY() << 64 | ANY();
}

static bool has(hak_granule_set set, unsigned i)
{
    return i < HAK_CHUNK_GRANULES && (set >> i & 1) != 0;
}

void prove_first_is_the_lowest(void)
{
    hak_granule_set set = any_set();
    GIVEN(set != 0);
    unsigned first = hak_granules_first(set), i = (unsigned)ANY();
    EXPECT(has(set, first));
    EXPECT(i >= first || !has(set, i));
    PROVED();
}

void prove_below_holds_what_is_below(void)
{
    unsigned count = (unsigned)ANY(), i = (unsigned)ANY();
    GIVEN(count <= HAK_CHUNK_GRANULES);
    EXPECT(has(hak_granules_below(count), i) == (i < count));
    PROVED();
}

// Bit i of the runs of each length: that many free granules begin at i, none past the end.
void prove_runs_begin_where_granules_are_free(void)
{
    hak_granule_set free = any_set();
    unsigned i = (unsigned)ANY();
    GIVEN(i < HAK_CHUNK_GRANULES);
    bool expected = true;
    for (unsigned length = 1; length <= HAK_SLAB_MAX_GRANULES; length++) {
        expected = expected && has(free, i + length - 1);
        EXPECT(has(hak_granules_runs(free, length), i) == expected);
    }
    PROVED();
}

void prove_longest_run_is_the_longest(void)
{
    hak_granule_set free = any_set();
    unsigned longest = hak_granules_longest_run(free);
    EXPECT(longest <= HAK_SLAB_MAX_GRANULES);
    for (unsigned length = 1; length <= HAK_SLAB_MAX_GRANULES; length++)
        EXPECT((length <= longest) == (hak_granules_runs(free, length) != 0));
    PROVED();
}
