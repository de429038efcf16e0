// Lock-free: remote bitmap words and a stack of announced slabs.
//
//   put (any thread)                          drain (owner)
//   P1  fetch_or  remote word                 D1  exchange inbox, take the list
//   P2  pin, if the slab is open              D2  for each slab: unpin
//   P3  if this call pinned: push on inbox    D3                 exchange each word with 0
//
// No bit is stranded.  A put that finds the slab pinned (P2) leaves the announcing to the holder;
// the holder's drain must then see the bit.  P1, P2, D2, D3 are seq_cst, so they have one order:
// P2 read "pinned", so P2 comes before D2; P1 comes before P2 and D2 before D3; so D3 sees P1.
// With anything weaker P2's read and D2's write are unordered (store buffering) and D3 could miss.
//
// No released slab is announced.  A put's P2 may come after a drain took its bit and the slab was
// released: release closed the pin, P2 fails.  If the descriptor serves a new slab by then, P2
// announces that one, which is harmless: its owner drains nothing.
#include "hak_remote_common.h"

static void announce(struct hak_slab *slab)
{
    // The owner is read after pinning: while pinned, the slab stays its owner's.
    struct hak_remote_owner *owner = hak_remote_owner_of(slab);
    struct hak_slab *head = atomic_load_explicit(&owner->xinbox, memory_order_relaxed);
    do {
        slab->inbox_next = head;
        // release: pairs with the acquire exchange in hak_remote_drain, for inbox_next
    } while (!atomic_compare_exchange_weak_explicit(&owner->xinbox, &head, slab,
                                                    memory_order_release, memory_order_relaxed));
}

void hak_remote_put(struct hak_slab *slab, unsigned word, uint64_t bits)
{
    uint64_t waiting = atomic_fetch_or(hak_slab_remote_word(slab, word), bits); // seq_cst: P1
    hak_remote_check_put(slab, word, bits, waiting);
    if (hak_slab_pin(slab))
        announce(slab);
}

static size_t drain_slab(struct hak_slab *slab)
{
    size_t blocks = 0;
    hak_slab_unpin(slab);
    for (unsigned word = 0; word < slab->words; word++) {
        _Atomic uint64_t *xword = hak_slab_remote_word(slab, word);
        // seq_cst: D3.  The load spares the exchange of words that nobody touched.
        if (atomic_load(xword) == 0)
            continue;
        blocks += hak_remote_take_home(slab, word, atomic_exchange(xword, 0));
    }
    hak_slab_settle(slab);
    return blocks;
}

size_t hak_remote_drain(struct hak_remote_owner *owner)
{
    if (!hak_remote_pending(owner))
        return 0;
    size_t blocks = 0;
    // acquire: pairs with the release in announce
    struct hak_slab *slab = atomic_exchange_explicit(&owner->xinbox, NULL, memory_order_acquire);
    while (slab != NULL) {
        struct hak_slab *next = slab->inbox_next; // before unpinning hands it to the next holder
        blocks += drain_slab(slab);
        slab = next;
    }
    return blocks;
}
