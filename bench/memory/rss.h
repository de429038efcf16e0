// Resident memory of this process, in KiB, from /proc/self/smaps_rollup: lazily freed pages, which
// the kernel still counts, are told apart.
#ifndef RSS_H
#define RSS_H

#include <stdio.h>
#include <string.h>

struct rss {
    long resident_kib;
    long lazy_free_kib; // of resident_kib: given back with MADV_FREE, not yet taken
};

static inline struct rss rss_now(void)
{
    struct rss rss = {0, 0};
    char line[256];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "Rss: %ld kB", &rss.resident_kib);
        sscanf(line, "LazyFree: %ld kB", &rss.lazy_free_kib);
    }
    if (file != NULL)
        fclose(file);
    return rss;
}

static inline void rss_print(const char *label)
{
    struct rss rss = rss_now();
    printf("%s_kib %ld\n%s_lazy_kib %ld\n", label, rss.resident_kib, label, rss.lazy_free_kib);
}

#endif
