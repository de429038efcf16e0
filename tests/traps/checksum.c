// A little of everything, for trap 23: prints a number that does not depend on the allocator.
#include "trap.h"
#include <pthread.h>

static void *work(void *seed)
{
    uint64_t state = (uintptr_t)seed, sum = 0;
    unsigned char *grown = NULL;
    for (size_t n = 1; n < 300000; n += n / 3 + 1) {
        CHECK(grown = realloc(grown, n));
        grown[n - 1] = (unsigned char)trap_random(&state);
        unsigned char *zeroed = calloc(n, 3), *aligned = aligned_alloc(64, n);
        CHECK(zeroed && aligned && zeroed[3 * n - 1] == 0 && (uintptr_t)aligned % 64 == 0);
        memset(aligned, grown[n - 1], n);
        sum = sum * 31 + aligned[n / 2] + zeroed[n];
        free(zeroed), free(aligned);
    }
    free(grown);
    trap_churn(state, 2000, 1 << 20);
    return (void *)(uintptr_t)sum;
}

int main(void)
{
    pthread_t thread;
    void *sum = NULL;
    CHECK(pthread_create(&thread, NULL, work, (void *)7) == 0 && !pthread_join(thread, &sum));
    printf("%p %p\n", sum, work((void *)9));
}
