// Two threads record ranges of the registry where nothing is recorded yet, and read their own.
// A plain program, for ThreadSanitizer.
#include "../core/expect.h"
#include "hak_os_boundary_fake.h"
#include "hak_page_registry.h"

#include <pthread.h>

enum { SLOTS = 50, PER_SLOT = 64 }; // a slot: the 4 GiB of a leaf of the radix

static const uintptr_t highest = (uintptr_t)0x7f12 << 32; // a multiple of 4 GiB
static pthread_barrier_t barrier;

static const void *place(unsigned slot, unsigned i)
{
    return (const void *)(highest - ((uintptr_t)slot << 32) + (uintptr_t)i * HAK_GRANULE_BYTES);
}

static void expect_recorded(unsigned slot, unsigned i)
{
    const void *p = place(slot, i);
    EXPECT(hak_page_registry_entry(p) == i + 1, "%p", p);
    EXPECT(hak_page_registry_descriptor(p) == (void *)(uintptr_t)(i + 1), "%p", p);
}

static void write_every_other(unsigned slot, unsigned first)
{
    for (unsigned i = first; i < PER_SLOT; i += 2) {
        EXPECT(hak_page_registry_add(place(slot, i), 1, i + 1, (void *)(uintptr_t)(i + 1)),
               "slot %u", slot);
        expect_recorded(slot, i);
    }
}

static void *write_slots(void *first)
{
    for (unsigned slot = 1; slot <= SLOTS; slot++) {
        pthread_barrier_wait(&barrier); // both at once, and nothing is there yet
        write_every_other(slot, (unsigned)(uintptr_t)first);
    }
    return NULL;
}

int main(void)
{
    hak_fake_os_limit((size_t)1 << 30); // for the flat registry, which gets a window of 512 GiB
    pthread_t threads[2];
    pthread_barrier_init(&barrier, NULL, 2);
    EXPECT(hak_page_registry_add(place(0, 0), 1, 1, NULL), "the first");
    hak_fake_os_limit((size_t)4 << 30);
    size_t before = hak_os_counts().mapped_bytes;
    for (uintptr_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, write_slots, (void *)i) == 0, "no thread");
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    size_t by_two = hak_os_counts().mapped_bytes - before;
    for (unsigned slot = 1; slot <= SLOTS; slot++) {
        for (unsigned i = 0; i < PER_SLOT; i++)
            expect_recorded(slot, i);
    }
    for (unsigned slot = SLOTS + 1; slot <= 2 * SLOTS; slot++)
        write_every_other(slot, 0);
    size_t by_one = hak_os_counts().mapped_bytes - before - by_two;
    EXPECT(by_one == by_two, "%zu bytes of tables, not %zu", by_two, by_one);
}
