// The names that report and tune.
#define _GNU_SOURCE
#include "api_test.h"
#include <fcntl.h>

static void malloc_info_text(void)
{
    char text[64] = "";
    char *all = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&all, &bytes);
    const int answer = malloc_info(0, stream);
    fclose(stream);
    snprintf(text, sizeof text, "%s", all);
    show("malloc_info(0, stream)", "%d opens=%d closes=%d", answer,
         strncmp(text, "<malloc version=", 16) == 0, strstr(all, "</malloc>") != NULL);
    free(all);
    show("malloc_info(1, stream)", "%d", malloc_info(1, stdout));
}

static void malloc_stats_returns(void)
{
    const int kept = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    malloc_stats();
    dup2(kept, 2);
    close(kept), close(null);
    show("malloc_stats()", "returned");
}

void reports_and_knobs(void)
{
    char *live = malloc(1 << 20);
    struct mallinfo2 info = mallinfo2();
    show("mallinfo2() counts a live MiB", "%d", info.uordblks + info.hblkhd >= 1 << 20);
    struct mallinfo old = mallinfo();
    show("mallinfo() counts a live MiB", "%d", old.uordblks + old.hblkhd >= 1 << 20);
    free(live);
    const int trimmed = malloc_trim(0);
    show("malloc_trim(0)", "%s", trimmed == 0 || trimmed == 1 ? "0 or 1" : "ODD");
    malloc_info_text();
    malloc_stats_returns();
    const int knobs[][2] = {{M_ARENA_MAX, 2},
                            {M_ARENA_TEST, 2},
                            {M_MMAP_MAX, 65536},
                            {M_MMAP_THRESHOLD, 1 << 20},
                            {M_MMAP_THRESHOLD, 1 << 30},
                            {M_MXFAST, 64},
                            {M_MXFAST, 1 << 20},
                            {M_TOP_PAD, 0},
                            {M_TRIM_THRESHOLD, 1 << 20},
                            {M_PERTURB, 0},
                            {12345, 1}};
    for (size_t i = 0; i < COUNT(knobs); i++) {
        char entry[80];
        snprintf(entry, sizeof entry, "mallopt(%d, %d)", knobs[i][0], knobs[i][1]);
        show(entry, "%d", mallopt(knobs[i][0], knobs[i][1]));
    }
}
