// Free 15 of every 16 blocks at random: what does the process keep?
//   sparse [objects]       prints resident KiB at peak, at once and after 3 s idle
#include "rss.h"

#include <stdlib.h>
#include <unistd.h>

static unsigned state = 12345;

static unsigned next_random(void)
{
    state = state * 1103515245u + 12345u;
    return state >> 8;
}

// 4.5 KiB on average: mostly small, some of tens of KiB.
static size_t random_bytes(void)
{
    unsigned kind = next_random() % 16;
    if (kind < 10)
        return 16 + next_random() % 1008;
    if (kind < 14)
        return 1024 + next_random() % 8192;
    return 8192 + next_random() % 40000;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)atoi(argv[1]) : 400000;
    char **blocks = malloc(count * sizeof *blocks);
    size_t kept_bytes = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = random_bytes();
        blocks[i] = malloc(bytes);
        memset(blocks[i], 1, bytes);
        if (i % 16 == 0)
            kept_bytes += bytes;
    }
    rss_print("peak");
    for (size_t i = count - 1; i > 0; i--) { // Fisher-Yates: free in random order, keep 1 of 16
        size_t other = next_random() % (i + 1);
        char *block = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = block;
    }
    for (size_t i = 0; i < count; i++) {
        if (i % 16 != 0)
            free(blocks[i]);
    }
    printf("live_kib %zu\n", kept_bytes / 1024);
    rss_print("freed");
    sleep(3);
    free(malloc(100)); // some life
    rss_print("idle");
    return 0;
}
