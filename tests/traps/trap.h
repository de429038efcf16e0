// What the trap programs share: a check that reports and fails, and what /proc says of this
// process.
#pragma once
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Report without stdio: a check may fail in a forked child or under a memory limit.
#define CHECK(condition) ((condition) ? (void)0 : trap_failed(#condition, __FILE__, __LINE__))

static inline void trap_failed(const char *what, const char *file, int line)
{
    char text[300];
    const int n = snprintf(text, sizeof text, "%s:%d: failed: %s\n", file, line, what);
    if (write(STDERR_FILENO, text, n) != n)
        _exit(3);
    _exit(1);
}

// Starts the program anew with an option of hakmem's, which reads them before main.
static inline void trap_restart_with(const char *option, const char *value, char **argv)
{
    if (getenv(option))
        return;
    CHECK(setenv(option, value, 1) == 0);
    execv("/proc/self/exe", argv);
    CHECK(!"execv");
}

// Small quick generator: xorshift.
static inline uint64_t trap_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

// Sizes as programs ask for them: mostly small, a few up to `max`.
static inline size_t trap_random_size(uint64_t *state, size_t max)
{
    const uint64_t r = trap_random(state);
    return 1 + (r >> 8) % (r % 8 ? 256 : r % 64 ? 4096 < max ? 4096 : max : max);
}

static inline size_t trap_rss_bytes(void)
{
    size_t pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm && fscanf(statm, "%zu %zu", &pages, &resident) == 2);
    fclose(statm);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

// A figure of /proc/self/smaps_rollup, such as "LazyFree:".
static inline size_t trap_smaps_bytes(const char *field)
{
    char line[200];
    size_t kib = SIZE_MAX;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    CHECK(rollup);
    while (fgets(line, sizeof line, rollup))
        if (strncmp(line, field, strlen(field)) == 0)
            sscanf(line + strlen(field), "%zu", &kib);
    fclose(rollup);
    CHECK(kib != SIZE_MAX);
    return kib * 1024;
}

static inline size_t trap_map_count(void)
{
    size_t lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    for (int c; (c = getc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

// Threads of the process.
static inline int trap_task_count(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

// Allocate, fill, check and free `rounds` times over 64 slots; what one thread's life looks like.
static inline void trap_churn(uint64_t seed, int rounds, size_t max)
{
    struct {
        unsigned char *p;
        size_t n;
    } slot[64] = {0};
    for (int i = 0; i < rounds; i++) {
        const int s = (int)(trap_random(&seed) % 64);
        if (slot[s].p)
            CHECK(slot[s].p[0] == s && slot[s].p[slot[s].n - 1] == s);
        free(slot[s].p);
        slot[s].n = trap_random_size(&seed, max);
        CHECK(slot[s].p = malloc(slot[s].n));
        slot[s].p[0] = slot[s].p[slot[s].n - 1] = (unsigned char)s;
    }
    for (int s = 0; s < 64; s++)
        free(slot[s].p);
}
