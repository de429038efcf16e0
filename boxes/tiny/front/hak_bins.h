// How much room the bins of a heap have.
//
// A bin starts with an array of twice the refill count (at least 2 or 3 blocks), two of them
// guards, but 64 KiB of blocks at most, and doubles when it misses twice, up to a bound in slots
// and bytes for the class.  What all bins have beyond that start, and all room for blocks above
// 32 KiB, is the heap's extra; its bound is half of what the heap has in use, and a quarter where
// bins of blocks above 8 KiB grow: those push each other, and what is live, out of the processor's
// caches.
//
// A heap that shrinks has more extra than that.  When it comes to tidy up, or is hardly larger than
// the extra, its bins begin anew.  Where they soon need half of it again, that was a mistake, and
// next time the heap must have shrunk twice as far.
//
// Threads: the heap's.
#ifndef HAK_BINS_H
#define HAK_BINS_H

#include "hak_heap.h"

// Called at each refill and flush.  False: the bin has no room, and gets none.
bool hak_bins_adapt(struct hak_heap *heap, unsigned size_class);

// Makes room for `slots`.  Pre: no fewer than it holds.  False: no memory; the bin is as it was.
bool hak_bins_resize(struct hak_heap *heap, unsigned size_class, unsigned slots);

// Gives all room back.  Pre: the bins are empty.
void hak_bins_release(struct hak_heap *heap);

// Whether the heap has shrunk so far that its bins should not wait until it tidies up.
bool hak_bins_are_oversized(const struct hak_heap *heap);

// Lets the bins begin anew if the heap has more extra than its bound.  Pre: they are empty.
void hak_bins_shrink(struct hak_heap *heap);

#endif
