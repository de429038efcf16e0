// How much freed memory to keep: a floor, and what experience teaches.
#include "fake_calls.h"
#include "hak_retain.h"

enum { MIB = 1024 * 1024, FLOOR = 16 * MIB };

static struct hak_retain retain;

static size_t bound(void)
{
    return hak_retain_bound(&retain, FLOOR);
}

Test(retain, giving_back_too_early_teaches)
{
    hak_retain_needed(&retain, 100 * MIB, FLOOR);
    expect(bound() == FLOOR, "nothing was given back");
    for (unsigned i = 0; i < 4; i++) {
        hak_retain_given_back(&retain, 8 * MIB);
        hak_fake_os_advance(100);
        hak_retain_needed(&retain, 8 * MIB, FLOOR);
    }
    size_t learned = bound();
    expect(learned >= 32 * MIB && learned <= 64 * MIB, "%zu", learned);
}

Test(retain, one_large_mistake_is_enough)
{
    hak_retain_given_back(&retain, 496 * MIB);
    for (unsigned i = 0; i < 16; i++) // spans come one by one
        hak_retain_needed(&retain, FLOOR / 16, FLOOR);
    expect(bound() == 576 * MIB, "what would have spared it, and an eighth: %zu", bound());
}

Test(retain, a_floor_of_zero_keeps_nothing)
{
    hak_retain_given_back(&retain, 100 * MIB);
    hak_retain_needed(&retain, 100 * MIB, 0);
    expect(hak_retain_bound(&retain, 0) == 0);
}

Test(retain, giving_back_in_time_does_not)
{
    for (unsigned i = 0; i < 10; i++) {
        hak_retain_given_back(&retain, 50 * MIB);
        hak_fake_os_advance(5000);
        hak_retain_needed(&retain, 50 * MIB, FLOOR);
    }
    expect(bound() == FLOOR);
    hak_retain_given_back(&retain, 1 * MIB); // needed is not what was given back
    hak_retain_needed(&retain, 500 * MIB, FLOOR);
    expect(bound() == FLOOR);
}

Test(retain, lessons_are_forgotten)
{
    for (unsigned i = 0; i < 8; i++) {
        hak_retain_given_back(&retain, 100 * MIB);
        hak_retain_needed(&retain, 100 * MIB, FLOOR);
    }
    size_t before = bound();
    expect(before > 100 * MIB, "%zu", before);
    hak_fake_os_advance(1000);
    expect(bound() == before, "not at once");
    for (unsigned i = 0; i < 20; i++) {
        hak_fake_os_advance(3000);
        size_t now = bound();
        expect(now < before || now == FLOOR, "%zu", now);
        before = now;
    }
    expect(before == FLOOR, "%zu", before);
}

Test(retain, what_stays_throughout_is_unused)
{
    hak_retain_used(&retain, 0, 0);
    expect(hak_retain_used(&retain, 8 * MIB, 0) == 8 * MIB, "it came in this interval");
    expect(hak_retain_used(&retain, 10 * MIB, 0) == 2 * MIB);
    hak_retain_now(&retain, 3 * MIB); // taken, and put back
    expect(hak_retain_used(&retain, 10 * MIB, 0) == 7 * MIB);
    expect(hak_retain_used(&retain, 10 * MIB, 4 * MIB) == 4 * MIB, "the least");
    expect(hak_retain_used(&retain, 1 * MIB, 0) == 0, "never more unused than there is");
}
