// Trap 19: under a small RLIMIT_AS every size ends in NULL and ENOMEM; after some memory is freed
// the program goes on, also with threads and aligned blocks.
#define _GNU_SOURCE
#include "trap.h"
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

// Allocate until refused; the blocks form a list. Returns the bytes obtained.
static size_t fill_up(void **list, size_t n)
{
    size_t total = 0;
    for (void **block;; total += n) {
        errno = 0;
        if (!(block = malloc(n)))
            break;
        *block = *list;
        *list = block;
    }
    CHECK(errno == ENOMEM);
    CHECK(!calloc(2000, 1 << 20) && !aligned_alloc(1 << 30, 1 << 30) && errno == ENOMEM);
    return total;
}

static void empty(void **list)
{
    for (void *block; (block = *list);) {
        *list = *(void **)block;
        free(block);
    }
}

static void *thread(void *unused)
{
    for (int i = 0; i < 2000; i++)
        free(malloc(i * 100)); // NULL is fine, a crash is not
    return unused;
}

int main(int argc, char **argv)
{
    const size_t limit = 256 << 20,
                 sizes[] = {16, 64, 1000, 5000, 100000, 600000, 4 << 20, 30 << 20};
    if (argc == 1) { // start again under the limit, as below `ulimit -v`
        char *again[] = {argv[0], "limited", NULL};
        CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) == 0);
        execv("/proc/self/exe", again);
    }
    CHECK(argc == 2);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        void *list = NULL;
        const size_t total = fill_up(&list, sizes[s]);
        pthread_t t;
        CHECK(total > limit / 4 && total <= limit);
        if (pthread_create(&t, NULL, thread, NULL) == 0)
            pthread_join(t, NULL);
        void *moved = realloc(list, 1 << 30);
        CHECK(!moved && errno == ENOMEM);
        empty(&list);
        trap_churn(s + 1, 2000, 1 << 20); // and life goes on
    }
}
