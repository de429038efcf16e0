// Spans cut from a chunk of GRANULES granules in any state.  (Larger chunks take CBMC too long;
// granules.c proves the set operations for all 128.)
#include "proof.h"

#include "hak_span.c"

struct hak_options hak_options;

void hak_lock_take(enum hak_lock rank)
{
    (void)rank;
}

void hak_lock_drop(enum hak_lock rank)
{
    (void)rank;
}

static struct hak_chunk chunk;
static char memory[HAK_CHUNK_GRANULES]; // only its address serves

static void any_chunk(unsigned granules)
{
    chunk.base = memory;
    chunk.granules = granules;
    chunk.free = ((hak_granule_set)ANY() << 64 | ANY()) & hak_granules_below(granules);
    chunk.used = ((hak_granule_set)ANY() << 64 | ANY()) & hak_granules_below(granules);
    list_locked(&chunk);
}

void prove_a_span_is_cut_from_free_granules(void)
{
    any_chunk(GRANULES);
    struct hak_chunk before = chunk;
    for (unsigned granules = 1; granules <= HAK_SLAB_MAX_GRANULES; granules++) {
        if (granules > before.longest_run)
            break;
        chunk = before;
        lists[0][chunk.longest_run] = &chunk;
        struct hak_span span;
        EXPECT(take_locked(granules, 0, &span));
        hak_granule_set taken = before.free & ~chunk.free;
        EXPECT((chunk.free & ~before.free) == 0);
        unsigned first = hak_granules_first(taken);
        EXPECT(taken == hak_granules_below(granules) << first);
        EXPECT(span.base == memory + (size_t)first * HAK_GRANULE_BYTES);
        EXPECT(span.zero == ((taken & before.used) == 0));
        EXPECT(chunk.used == (before.used | taken));
        EXPECT(lists[0][chunk.longest_run] == &chunk);
        lists[0][chunk.longest_run] = NULL;
    }
    PROVED();
}
