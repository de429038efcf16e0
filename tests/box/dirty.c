// How much free memory may keep its pages: a floor, a share, and what experience teaches.
#include "fake_calls.h"
#include "hak_dirty.h"
#include "hak_option.h"

enum { MIB = 1024 * 1024 };

static size_t bound(void)
{
    return hak_dirty_bound(0);
}

Test(dirty, the_larger_of_floor_and_share)
{
    hak_options.dirty_mib = 10;
    hak_options.dirty_percent = 20;
    expect(hak_dirty_bound(0) == 10 * MIB && hak_dirty_bound(50 * MIB) == 10 * MIB);
    size_t share = hak_dirty_bound((size_t)1000 * MIB);
    expect(share > 199 * MIB && share <= 200 * MIB, "%zu", share);
    hak_options.dirty_mib = 0;
    hak_options.dirty_percent = 0;
    expect(hak_dirty_bound((size_t)1000 * MIB) == 0);
}

Test(dirty, giving_back_too_early_teaches)
{
    hak_dirty_needed(100 * MIB, 0);
    expect(bound() == 16 * MIB, "nothing was given back");
    for (unsigned i = 0; i < 4; i++) {
        hak_dirty_given_back(8 * MIB);
        hak_fake_os_advance(100);
        hak_dirty_needed(8 * MIB, 0);
    }
    size_t learned = bound();
    expect(learned >= 32 * MIB && learned <= 64 * MIB, "%zu", learned);
}

Test(dirty, giving_back_in_time_does_not)
{
    for (unsigned i = 0; i < 10; i++) {
        hak_dirty_given_back(50 * MIB);
        hak_fake_os_advance(5000);
        hak_dirty_needed(50 * MIB, 0);
    }
    expect(bound() == 16 * MIB);
    hak_dirty_given_back(1 * MIB); // needed is not what was given back
    hak_dirty_needed(500 * MIB, 0);
    expect(bound() == 16 * MIB);
}

Test(dirty, lessons_are_forgotten)
{
    for (unsigned i = 0; i < 8; i++) {
        hak_dirty_given_back(100 * MIB);
        hak_dirty_needed(100 * MIB, 0);
    }
    size_t before = bound();
    expect(before > 100 * MIB, "%zu", before);
    hak_fake_os_advance(1000);
    expect(bound() == before, "not at once");
    for (unsigned i = 0; i < 20; i++) {
        hak_fake_os_advance(3000);
        size_t now = bound();
        expect(now < before || now == 16 * MIB, "%zu", now);
        before = now;
    }
    expect(before == 16 * MIB, "%zu", before);
}
