// Base: arithmetic, the last words, locks, options.
#include "box_test.h"
#include "hak_base.h"
#include "hak_lock.h"
#include "hak_option.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

Test(base, arithmetic_agrees_with_the_obvious)
{
    struct dice dice = dice_from(1);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t word = dice_bits(&dice) >> dice_roll(&dice, 64);
        unsigned ones = 0, lowest = 64;
        for (unsigned bit = 64; bit-- > 0;) {
            ones += word >> bit & 1;
            lowest = (word >> bit & 1) != 0 ? bit : lowest;
        }
        expect(hak_popcount64(word) == ones);
        expect(word == 0 || hak_ctz64(word) == lowest);
        expect(hak_is_power_of_two(word) == (ones == 1));
        unsigned index = dice_roll(&dice, 1000);
        uint64_t bit = (uint64_t)1 << (index % 64), after = word;
        expect(hak_test_and_set(&after, index) == ((word & bit) != 0) && after == (word | bit));
        size_t n = dice_roll(&dice, 1u << 20);
        size_t alignment = (size_t)1 << dice_roll(&dice, 20);
        size_t up = (n + alignment - 1) / alignment * alignment;
        expect(hak_round_up(n, alignment) == up, "%zu to %zu", n, alignment);
    }
    for (unsigned count = 0; count <= 64; count++)
        expect(hak_popcount64(hak_bits_below64(count)) == count &&
               (count == 0 || hak_bits_below64(count) >> (count - 1) == 1));
}

// --- the last words

static void panic_with_pointer(void *p)
{
    hak_panic("double free of", p, "do this next");
}

static void panic_with_long_text(void *text)
{
    hak_panic(text, NULL, "never reached");
}

Test(base, panic_says_one_line_and_aborts)
{
    expect_panic(panic_with_pointer, (void *)0x123abc,
                 "hakmem: double free of 0x123abc: do this next\n");
    expect_panic(panic_with_pointer, (void *)UINTPTR_MAX, " 0xffffffffffffffff: ");
    expect_panic(panic_with_pointer, (void *)1, " 0x1: ");
    expect_panic(panic_with_pointer, NULL, "hakmem: double free of: do this next\n");
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    expect_panic(panic_with_long_text, text, "hakmem: xxx");
}

static void warn_twice(void *unused)
{
    (void)unused;
    errno = 77;
    hak_warn("first", "thing");
    hak_warn("second", "thing");
    expect(errno == 77, "errno %d", errno);
}

Test(base, warnings_go_on)
{
    const struct outcome *outcome = in_child(warn_twice, NULL);
    expect(outcome->code == 0 &&
               strcmp(outcome->errors, "hakmem: first thing\nhakmem: second thing\n") == 0,
           "%s", outcome->errors);
}

static void check_holds(void *holds)
{
    HAK_CHECK(holds != NULL);
}

Test(base, checks_end_the_process_when_broken)
{
    succeed_in_child(check_holds, "yes");
    expect_panic(check_holds, NULL, "internal check failed: holds != NULL");
}

// --- locks

static unsigned inside[HAK_LOCK_COUNT]; // threads in the guarded section: never more than one
static uint64_t entered[HAK_LOCK_COUNT];

static void enter(unsigned rank)
{
    expect(++inside[rank] == 1, "lock %u", rank);
    entered[rank]++;
    if (entered[rank] % 64 == 0)
        sched_yield(); // invites the other thread in
    expect(--inside[rank] == 0, "lock %u", rank);
}

enum { ROUNDS = 3000 };

static void *take_one_by_one(void *unused)
{
    errno = 77;
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned rank = 0; rank < HAK_LOCK_COUNT; rank++) {
            hak_lock_take((enum hak_lock)rank);
            enter(rank);
            hak_lock_drop((enum hak_lock)rank);
        }
    }
    expect(errno == 77, "errno %d", errno);
    return unused;
}

static void *take_all(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        hak_lock_take_all();
        for (unsigned rank = 0; rank < HAK_LOCK_COUNT; rank++)
            enter(rank);
        hak_lock_drop_all();
    }
    return unused;
}

Test(base, locks_exclude)
{
    pthread_t threads[3];
    expect(pthread_create(&threads[0], NULL, take_one_by_one, NULL) == 0);
    expect(pthread_create(&threads[1], NULL, take_one_by_one, NULL) == 0);
    expect(pthread_create(&threads[2], NULL, take_all, NULL) == 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (unsigned rank = 0; rank < HAK_LOCK_COUNT; rank++)
        expect(entered[rank] == 3 * ROUNDS, "lock %u: %llu", rank,
               (unsigned long long)entered[rank]);
}

// Held so long that who finds it taken looks more than once, and mostly has it before it sleeps.
static void *take_one_often(void *unused)
{
    for (unsigned i = 0; i < 40 * ROUNDS; i++) {
        hak_lock_take(HAK_LOCK_META);
        expect(++inside[HAK_LOCK_META] == 1, "round %u", i);
        for (volatile unsigned pause = 0; pause < 30; pause++)
            continue;
        expect(--inside[HAK_LOCK_META] == 0, "round %u", i);
        hak_lock_drop(HAK_LOCK_META);
    }
    return unused;
}

Test(base, a_lock_that_many_want)
{
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        expect(pthread_create(&threads[i], NULL, take_one_often, NULL) == 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void take_against_rank(void *unused)
{
    (void)unused;
    hak_lock_take(HAK_LOCK_META);
    hak_lock_take(HAK_LOCK_HEAPS);
}

Test(base, debug_builds_enforce_the_rank_order)
{
    if (HAK_DEBUG)
        expect_panic(take_against_rank, NULL, "internal check failed");
    else
        succeed_in_child(take_against_rank, NULL);
}

// --- options

static const struct row {
    const char *variable, *box, *meaning;
    long *value;
    long fallback, low, high;
} rows[] = {
#define ROW(name, variable, fallback, low, high, box, meaning)                                     \
    {variable, box, meaning, &hak_options.name, fallback, low, high},
    HAK_OPTION_ROWS(ROW)
#undef ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void read_setting(const struct row *row, const char *value)
{
    char setting[256];
    snprintf(setting, sizeof setting, "%s=%s", row->variable, value);
    hak_options_read((char *[]){setting, NULL});
}

static void read_number(const struct row *row, long value)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    read_setting(row, value == HAK_OPTION_AUTO ? "auto" : text);
}

Test(base, option_rows_are_sound)
{
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        expect(row->low <= row->fallback && row->fallback <= row->high, "%s", row->variable);
        expect(row->low >= HAK_OPTION_AUTO && *row->value == row->fallback, "%s", row->variable);
        expect(strncmp(row->variable, "HAKMEM_", 7) == 0 && row->box[0] != '\0' &&
               row->meaning[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            expect(strcmp(row->variable, rows[j].variable) != 0, "%s", row->variable);
    }
}

static void read_good_values(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROWS; i++) {
        struct hak_options before = hak_options;
        long *value = rows[i].value;
        read_number(&rows[i], rows[i].low);
        expect(*value == rows[i].low, "%s", rows[i].variable);
        read_number(&rows[i], rows[i].high);
        expect(*value == rows[i].high, "%s", rows[i].variable);
        *value = rows[i].fallback; // no other option has changed
        expect(memcmp(&before, &hak_options, sizeof before) == 0, "%s", rows[i].variable);
    }
}

Test(base, options_take_their_whole_range_in_silence)
{
    const struct outcome *outcome = in_child(read_good_values, NULL);
    expect(outcome->code == 0 && outcome->errors[0] == '\0', "%s", outcome->errors);
}

static const char *const bad_values[] = {
    "",
    "x",
    "automatic",
    "1x",
    " 1",
    "1 ",
    "-1",
    "+1",
    "0x1",
    "1.0",
    "99999999999999999999999999",
    "=1",
    "18446744073709551617",
    "18446744073709551632", // 2^64 + 1, 2^64 + 16
};
enum { BAD_VALUES = sizeof bad_values / sizeof bad_values[0] };

static void read_bad_values(void *argument)
{
    const struct row *row = argument;
    struct hak_options before = hak_options;
    for (unsigned i = 0; i < BAD_VALUES; i++)
        read_setting(row, bad_values[i]);
    read_number(row, row->high + 1);
    read_number(row, row->low - 1);
    expect(memcmp(&before, &hak_options, sizeof before) == 0, "%s", row->variable);
}

Test(base, bad_values_are_reported_once_and_leave_the_default)
{
    for (unsigned i = 0; i < ROWS; i++) {
        char report[128];
        snprintf(report, sizeof report,
                 "hakmem: bad value, the default is used: %s=", rows[i].variable);
        const struct outcome *outcome = in_child(read_bad_values, (void *)(uintptr_t)&rows[i]);
        expect(outcome->code == 0, "%s", outcome->errors);
        unsigned lines = 0;
        for (const char *line = outcome->errors; *line != '\0'; line = strchr(line, '\n') + 1) {
            expect(strncmp(line, report, strlen(report)) == 0, "%s", line);
            lines++;
        }
        expect(lines == BAD_VALUES + 2, "%u reports for %s", lines, rows[i].variable);
    }
}

static void read_strangers(void *unused)
{
    (void)unused;
    struct hak_options before = hak_options;
    hak_options_read((char *[]){"PATH=/bin", "HAKMEM", "HAKMEM_", "HAKMEM_NOBODY=1", "HAKMEM_P0",
                                "HAKMEM_P0X=0", "XHAKMEM_P0=0", "hakmem_p0=0", "", NULL});
    expect(memcmp(&before, &hak_options, sizeof before) == 0);
}

Test(base, other_variables_are_none_of_its_business)
{
    const struct outcome *outcome = in_child(read_strangers, NULL);
    expect(outcome->code == 0 && outcome->errors[0] == '\0', "%s", outcome->errors);
}

Test(base, names_that_begin_alike_are_told_apart)
{
    hak_options_read((char *[]){"HAKMEM_BIGCACHE_MIB=7", "HAKMEM_P0=0", NULL});
    expect(hak_options.bigcache_mib == 7 && hak_options.bigcache == 1 && hak_options.p0 == 0);
}

Test(base, the_environment_of_a_plain_process_is_read)
{
    hak_options_start((char *[]){"HAKMEM_REFILL=99", "HAKMEM_DIET=0", NULL});
    expect(hak_options.refill == 99, "%ld", hak_options.refill);
}

static void diet_and_less(void *unused)
{
    (void)unused;
    hak_options_start((char *[]){"HAKMEM_DIET=1", "HAKMEM_REFILL=2", "HAKMEM_CACHE_KIB=999", NULL});
    expect(hak_options.refill == 2, "%ld", hak_options.refill);
    expect(hak_options.cache_kib < 999, "%ld", hak_options.cache_kib);
    expect(hak_options.huge == 0, "%ld", hak_options.huge);
}

Test(base, diet_lowers_what_is_more_and_leaves_what_is_less)
{
    succeed_in_child(diet_and_less, NULL);
}
