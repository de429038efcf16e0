// Heaps are handed back at thread exit and adopted: many short threads cost what one does.
#include "expect.h"
#include "hak_heap.h"
#include "hak_os_boundary.h"

#include <hakmem/hakmem.h>
#include <pthread.h>

static _Atomic(void *) xleft_behind;

static void *short_life(void *argument)
{
    (void)argument;
    void *blocks[300];
    for (int i = 0; i < 300; i++)
        blocks[i] = hak_alloc((size_t)i * 40);
    for (int i = 1; i < 300; i++)
        hak_free(blocks[i]);
    hak_free(atomic_exchange(&xleft_behind, blocks[0])); // freed by a later thread
    return NULL;
}

static void run_threads(int count)
{
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, short_life, NULL) == 0, "thread %d", i);
        pthread_join(thread, NULL);
    }
}

static void *make_one(void *nothing)
{
    (void)nothing;
    return hak_alloc(100);
}

// As a signal handler does that interrupts the allocator while it uses the outbox.
static void free_of_a_handler_waits(void)
{
    pthread_t thread;
    void *block;
    hak_free(hak_alloc(100));
    EXPECT(pthread_create(&thread, NULL, make_one, NULL) == 0, "thread");
    pthread_join(thread, &block);
    EXPECT(block != NULL && hak_heap_is_bound(hak_heap_self), "no memory");
    unsigned waiting = hak_heap_self->outbox_count;
    hak_inside_begin();
    hak_free(block);
    hak_inside_end();
    EXPECT(hak_heap_self->outbox_count == waiting, "the outbox is not a handler's");
}

int main(void)
{
    free_of_a_handler_waits();
    run_threads(20);
    size_t mapped = hak_os_counts().mapped_bytes;
    run_threads(2000);
    EXPECT(hak_os_counts().mapped_bytes == mapped, "grew from %zu to %zu bytes", mapped,
           hak_os_counts().mapped_bytes);
    hak_free(xleft_behind);
    if (hak_heap_is_bound(hak_heap_self))
        hak_heap_check(hak_heap_self);
    return 0;
}
