// The boundary's contract, over the kernel and over the fake.
#include "box_test.h"
#include "hak_os_boundary.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * 1024, TOO_MANY_BITS = 60 };

static bool is_fake(void)
{
    return is_impl("fake");
}

static uint64_t all_calls(void)
{
    struct hak_os_counts counts = hak_os_counts();
    return counts.map + counts.unmap + counts.purge + counts.resize;
}

// Maps, checks everything that the contract says about it, and returns the memory.
static void *map(size_t bytes, size_t alignment)
{
    struct hak_os_counts before = hak_os_counts();
    uint64_t calls = all_calls();
    errno = 77;
    char *p = hak_os_map(bytes, alignment);
    struct hak_os_counts after = hak_os_counts();
    expect(p != NULL && errno == 77, "%zu at %zu, errno %d", bytes, alignment, errno);
    expect((uintptr_t)p % alignment == 0 && (uintptr_t)p % hak_os_page_bytes() == 0,
           "%p for alignment %zu", (void *)p, alignment);
    expect(is_filled(p, 0, bytes), "%zu bytes not zero", bytes);
    expect(after.mapped_bytes - before.mapped_bytes == bytes);
    expect(after.peak_bytes >= after.mapped_bytes && after.peak_bytes >= before.peak_bytes);
    expect(after.map > before.map && all_calls() - calls <= 5, "%zu at %zu", bytes, alignment);
    memset(p, 0xa5, bytes);
    return p;
}

static void unmap(void *p, size_t bytes)
{
    struct hak_os_counts before = hak_os_counts();
    errno = 77;
    expect(hak_os_unmap(p, bytes) && errno == 77);
    struct hak_os_counts after = hak_os_counts();
    expect(after.unmap - before.unmap == 1 && before.mapped_bytes - after.mapped_bytes == bytes);
    expect(after.peak_bytes == before.peak_bytes);
}

Test(os_boundary, maps_at_every_power_of_two)
{
    size_t most = is_fake() ? (size_t)16 * MIB : (size_t)1024 * MIB;
    for (size_t alignment = 1; alignment <= most; alignment *= 2) {
        void *first = map(64 * KIB, alignment);
        void *second = map(4 * KIB, alignment);
        unmap(first, 64 * KIB);
        void *third = map(1 * MIB, alignment);
        unmap(second, 4 * KIB);
        unmap(third, 1 * MIB);
    }
    expect(hak_os_counts().mapped_bytes == 0);
}

Test(os_boundary, aligned_neighbours_cost_one_call_each)
{
    void *chunks[16];
    chunks[0] = map(1 * MIB, 64 * KIB);
    uint64_t calls = all_calls();
    for (unsigned i = 1; i < 16; i++)
        chunks[i] = map(1 * MIB, 64 * KIB);
    // Foreign mappings may be in the way twice.
    expect(all_calls() - calls <= 15 + 2 * 4, "%llu calls",
           (unsigned long long)(all_calls() - calls));
    for (unsigned i = 0; i < 16; i++)
        unmap(chunks[i], 1 * MIB);
}

// A terabyte: what is committed works, what is not costs nothing and reads as zero.
Test(os_boundary, a_reservation_is_writable_where_committed)
{
    size_t bytes = is_fake() ? (size_t)MIB : (size_t)1 << 40;
    char *p = hak_os_reserve(bytes, true);
    char *unreadable = hak_os_reserve(bytes, false);
    expect(hak_os_counts().mapped_bytes == 0);
    expect(p != NULL && unreadable != NULL && unreadable != p);
    expect(is_filled(p, 0, 64 * KIB) && is_filled(p + bytes - 64 * KIB, 0, 64 * KIB));
    expect(hak_os_commit(p + 64 * KIB, 64 * KIB) && hak_os_commit(unreadable, 64 * KIB));
    memset(p + 64 * KIB, 1, 64 * KIB);
    memset(unreadable, 1, 64 * KIB);
    expect(is_filled(p, 0, 64 * KIB) && is_filled(p + 128 * KIB, 0, 64 * KIB));
    expect(hak_os_counts().mapped_bytes == 2 * 64 * KIB);
}

Test(os_boundary, a_reservation_can_be_taken_back)
{
    uint64_t unmaps = hak_os_counts().unmap;
    hak_os_unreserve(hak_os_reserve(MIB, true), MIB);
    expect(hak_os_counts().unmap == unmaps + 1 && hak_os_counts().mapped_bytes == 0);
}

Test(os_boundary, a_limit_is_obeyed)
{
    hak_os_set_limit(1 * MIB);
    char *most = map(1 * MIB - 64 * KIB, 4 * KIB);
    expect(hak_os_map(128 * KIB, 4 * KIB) == NULL && hak_os_map(128 * KIB, 1 * MIB) == NULL);
    expect(hak_os_map(SIZE_MAX - 64 * KIB + 1, 4 * KIB) == NULL, "the sum overflows");
    expect(hak_os_counts().limit_refusals == 3 && hak_os_counts().kernel_refusals == 0);
    expect(hak_os_limit_refused_last());
    char *rest = map(64 * KIB, 4 * KIB);
    expect(hak_os_resize(rest, 64 * KIB, 128 * KIB, rest) == NULL);
    unmap(rest, 64 * KIB);
    char *table = hak_os_reserve(1 * MIB, true);
    expect(table != NULL && !hak_os_commit(table, 128 * KIB) && hak_os_commit(table, 64 * KIB));
    hak_os_set_limit(0);
    unmap(map(1 * MIB, 4 * KIB), 1 * MIB);
    expect(hak_os_map((size_t)1 << TOO_MANY_BITS, 4 * KIB) == NULL);
    expect(hak_os_counts().kernel_refusals == 1 && !hak_os_limit_refused_last());
    unmap(most, 1 * MIB - 64 * KIB);
}

Test(os_boundary, purged_pages_read_as_zero)
{
    char *p = map(256 * KIB, 4 * KIB);
    struct hak_os_counts before = hak_os_counts();
    errno = 77;
    expect(hak_os_purge(p + 64 * KIB, 128 * KIB) && errno == 77);
    struct hak_os_counts after = hak_os_counts();
    expect(after.purge - before.purge == 1 && after.mapped_bytes == before.mapped_bytes);
    expect(is_filled(p, 0xa5, 64 * KIB) && is_filled(p + 192 * KIB, 0xa5, 64 * KIB));
    expect(is_filled(p + 64 * KIB, 0, 128 * KIB));
    memset(p, 1, 256 * KIB);
    unmap(p, 256 * KIB);
}

// In place, or onto `place`, which is as large as the result.
static char *resize(char *p, size_t old_bytes, size_t new_bytes, void *place)
{
    struct hak_os_counts before = hak_os_counts();
    errno = 77;
    char *moved = hak_os_resize(p, old_bytes, new_bytes, place);
    struct hak_os_counts after = hak_os_counts();
    bool asks_first = place != p && new_bytes > old_bytes && !is_fake(); // whether it can be moved
    expect(errno == 77 && after.resize - before.resize == 1u + asks_first, "errno %d", errno);
    expect(moved == NULL || moved == place);
    size_t grown = moved == NULL ? 0 : (moved == p ? new_bytes : 0) - old_bytes; // may wrap
    expect(after.mapped_bytes - before.mapped_bytes == grown);
    return moved;
}

Test(os_boundary, a_word_is_told_from_zero)
{
    uint32_t *words = map(64 * KIB, 4 * KIB);
    memset(words, 0, 64 * KIB);
    words[1] = 1;
    errno = 77;
    expect(!hak_os_peek(words) && hak_os_peek(words + 1) && errno == 77);
    if (!is_fake()) {
        expect(hak_os_protect(words, 64 * KIB, false) && !hak_os_peek(words + 1) && errno == 77);
        expect(hak_os_protect(words, 64 * KIB, true));
    }
    memset(words, 1, 64 * KIB);
    unmap(words, 64 * KIB);
}

Test(os_boundary, growing_in_place_keeps_contents)
{
    unsigned grown = 0;
    for (unsigned i = 0; i < 8; i++) {
        char *p = map(64 * KIB, 64 * KIB);
        memset(p, (int)i, 64 * KIB);
        bool done = resize(p, 64 * KIB, 128 * KIB, p) != NULL; // if nothing is behind it
        expect(is_filled(p, (unsigned char)i, 64 * KIB));
        expect(!done || is_filled(p + 64 * KIB, 0, 64 * KIB));
        grown += done;
        unmap(p, done ? 128 * KIB : 64 * KIB);
    }
    expect(!is_fake() || grown == 0, "the fake cannot");
    expect(hak_os_counts().mapped_bytes == 0);
}

Test(os_boundary, shrinking_in_place)
{
    char *p = map(1 * MIB, 64 * KIB);
    expect(resize(p, 1 * MIB, 128 * KIB, p) == p && is_filled(p, 0xa5, 128 * KIB));
    unmap(p, 128 * KIB);
    expect(hak_os_counts().mapped_bytes == 0);
}

Test(os_boundary, moving_keeps_contents)
{
    const size_t sizes[] = {64 * KIB, 128 * KIB, 1 * MIB, 64 * KIB};
    char *p = map(sizes[0], 64 * KIB);
    for (unsigned i = 1; i < 4; i++) {
        memset(p, (int)i, sizes[i - 1]);
        char *place = map(sizes[i], 64 * KIB);
        expect(resize(p, sizes[i - 1], sizes[i], place) == place);
        p = place;
        size_t kept = sizes[i] < sizes[i - 1] ? sizes[i] : sizes[i - 1];
        expect(is_filled(p, (unsigned char)i, kept));
    }
    unmap(p, sizes[3]);
    expect(hak_os_counts().mapped_bytes == 0);
}

Test(os_boundary, what_cannot_be_is_refused)
{
    size_t too_much = (size_t)1 << TOO_MANY_BITS;
    char *p = map(64 * KIB, 4 * KIB);
    size_t mapped = hak_os_counts().mapped_bytes;
    errno = 77;
    expect(hak_os_map(too_much, 4 * KIB) == NULL);
    expect(hak_os_map(too_much, 1 * MIB) == NULL);
    expect(hak_os_map(-(size_t)64 * KIB, 128 * KIB) == NULL); // their sum overflows
    expect(hak_os_counts().mapped_bytes == mapped && errno == 77, "errno %d", errno);
    expect(resize(p, 64 * KIB, too_much, p) == NULL);
    expect(is_filled(p, 0xa5, 64 * KIB));
    unmap(p, 64 * KIB);
}

Test(os_boundary, the_clock_never_goes_back)
{
    uint64_t first = hak_os_now_ms(), last = first;
    for (unsigned i = 0; i < 30; i++) {
        usleep(1000);
        uint64_t now = hak_os_now_ms();
        expect(now >= last);
        last = now;
    }
    expect(is_fake() ? last == first : last - first >= 20, "%llu ms",
           (unsigned long long)(last - first));
}

static void limit_addresses(void *unused)
{
    (void)unused;
    struct rlimit limit = {(rlim_t)3 << 40, (rlim_t)4 << 40};
    expect(setrlimit(RLIMIT_AS, &limit) == 0 && hak_os_address_limit() == (size_t)3 << 40);
}

Test(os_boundary, the_address_limit_is_told)
{
    struct rlimit limit;
    expect(getrlimit(RLIMIT_AS, &limit) == 0);
    if (is_fake()) {
        expect(hak_os_address_limit() < SIZE_MAX);
        return;
    }
    bool limited = limit.rlim_cur != RLIM_INFINITY;
    expect(hak_os_address_limit() == (limited ? limit.rlim_cur : SIZE_MAX));
    if (!limited)
        succeed_in_child(limit_addresses, NULL);
}

static void *map_and_unmap(void *argument)
{
    struct dice dice = {(uintptr_t)argument};
    for (unsigned i = 0; i < 500; i++) {
        size_t bytes = (size_t)(1 + dice_roll(&dice, 16)) * 4 * KIB;
        size_t alignment = (size_t)4 * KIB << dice_roll(&dice, 6);
        char *p = hak_os_map(bytes, alignment);
        expect(p != NULL && (uintptr_t)p % alignment == 0 && is_filled(p, 0, bytes));
        memset(p, (int)i, bytes);
        expect(hak_os_unmap(p, bytes));
    }
    return NULL;
}

Test(os_boundary, threads_do_not_disturb_one_another)
{
    pthread_t threads[2];
    struct hak_os_counts before = hak_os_counts();
    for (uintptr_t i = 0; i < 2; i++)
        expect(pthread_create(&threads[i], NULL, map_and_unmap, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    struct hak_os_counts after = hak_os_counts();
    expect(after.mapped_bytes == before.mapped_bytes && after.map - before.map >= 1000);
}

// --- control groups: in a mount namespace of its own the test lays its own files over the kernel's

#define GROUPS "/sys/fs/cgroup"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    expect(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
}

static void expect_group_limit(const char *outer, const char *inner, size_t limit)
{
    write_file(GROUPS "/outer/memory.max", outer);
    write_file(GROUPS "/outer/inner/memory.max", inner);
    errno = 77;
    size_t found = hak_os_group_limit();
    expect(found == limit && errno == 77, "%s in %s: %zu", inner, outer, found);
}

Test(os_boundary, the_control_groups_limit_is_told)
{
    if (is_fake()) {
        expect(hak_os_group_limit() == SIZE_MAX);
        return;
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        cr_skip_test("may not make a mount namespace");
    expect(mount("test", GROUPS, "tmpfs", 0, NULL) == 0);
    write_file(GROUPS "/own", "4:memory:/of/version/1\n0::/outer/inner\n");
    expect(mount(GROUPS "/own", "/proc/self/cgroup", NULL, MS_BIND, NULL) == 0);
    expect(hak_os_group_limit() == SIZE_MAX, "no groups, no limit");
    expect(mkdir(GROUPS "/outer", 0700) == 0 && mkdir(GROUPS "/outer/inner", 0700) == 0);
    expect_group_limit("max\n", "max\n", SIZE_MAX);
    expect_group_limit("max\n", "67108864\n", 67108864);
    expect_group_limit("33554432\n", "67108864\n", 33554432);
    expect_group_limit("67108864\n", "33554432\n", 33554432);
    expect_group_limit("nonsense\n", "", SIZE_MAX);
    expect_group_limit("max\n", "99999999999999999999999\n", SIZE_MAX);
    write_file(GROUPS "/memory.max", "1048576\n"); // the root of a container's name space
    expect_group_limit("max\n", "67108864\n", 1048576);
    write_file(GROUPS "/own", "0::/\n");
    expect(hak_os_group_limit() == 1048576);
    write_file(GROUPS "/own", "4:memory:/of/version/1\n");
    expect(hak_os_group_limit() == SIZE_MAX);
}
