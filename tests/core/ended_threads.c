// Pages that ended threads leave free stay for a second, for the next thread, and are given back
// then: by a slow path, or where there is a janitor by that.
#include "expect.h"
#include "hak_heap.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_upkeep.h"

#include <hakmem/hakmem.h>
#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, BLOCKS = 2500, BLOCK_BYTES = 1000, SECOND_MS = 1000, PATIENCE_MS = 20000 };

static pthread_barrier_t done, may_end;

static void *leave_holes(void *nothing)
{
    char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_alloc(BLOCK_BYTES);
        EXPECT(blocks[i] != NULL, "block %d", i);
        blocks[i][0] = 1;
    }
    for (int i = 0; i < BLOCKS; i++) {
        if (i % 16 > 6) // whole pages, in each heap less than it would sweep at once
            hak_free(blocks[i]);
    }
    pthread_barrier_wait(&done);
    pthread_barrier_wait(&may_end);
    return nothing;
}

static void sleep_ms(unsigned ms)
{
    usleep(ms * 1000);
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&done, NULL, THREADS + 1);
    pthread_barrier_init(&may_end, NULL, THREADS + 1);
    hak_free(hak_alloc(1));
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, leave_holes, NULL) == 0, "thread %d", i);
    pthread_barrier_wait(&done);
    hak_upkeep(true);
    // Upkeep is due again without a janitor; a new one comes by before these heaps have rested.
    sleep_ms(hak_options.janitor ? SECOND_MS / 3 : SECOND_MS + 100);
    uint64_t start_ms = hak_os_now_ms();
    pthread_barrier_wait(&may_end);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (!hak_options.janitor)
        hak_upkeep(false);
    size_t unswept = hak_heap_unswept_bytes();
    bool in_time = hak_os_now_ms() - start_ms < SECOND_MS;
    EXPECT(unswept > 4 * 1024 * 1024 || !in_time, "only %zu bytes wait", unswept);
    uint64_t purges = hak_os_counts().purge;
    while (hak_heap_unswept_bytes() > 0 && hak_os_now_ms() - start_ms < PATIENCE_MS) {
        sleep_ms(SECOND_MS / 10);
        if (!hak_options.janitor)
            hak_upkeep(false);
    }
    EXPECT(hak_heap_unswept_bytes() == 0, "%zu bytes still wait", hak_heap_unswept_bytes());
    bool small_pages = hak_os_page_bytes() < HAK_GRANULE_BYTES; // else one is a whole slab
    EXPECT(hak_os_counts().purge > purges || !small_pages || !in_time, "nothing was given back");
    return 0;
}
