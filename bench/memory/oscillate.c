// Allocate 512 MiB, free it, again and again: does giving memory back cost time?
//   oscillate [rounds] [MiB]
#include "rss.h"

#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    size_t total = (argc > 2 ? (size_t)atoi(argv[2]) : 512) << 20;
    size_t max_blocks = total / 16;
    char **blocks = malloc(max_blocks * sizeof *blocks);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int round = 0; round < rounds; round++) {
        unsigned state = 1;
        size_t count = 0;
        for (size_t sum = 0; sum < total && count < max_blocks; count++) {
            state = state * 1103515245u + 12345u;
            size_t bytes = 16 + (state >> 8) % (count % 8 == 0 ? 20000 : 500);
            blocks[count] = malloc(bytes);
            blocks[count][0] = 1;
            blocks[count][bytes - 1] = 1;
            sum += bytes;
        }
        while (count > 0)
            free(blocks[--count]);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("ms %.1f\n",
           (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6);
    rss_print("end");
    return 0;
}
