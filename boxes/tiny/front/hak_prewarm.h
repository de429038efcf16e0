// Fills a new thread's bins before it asks, in builds with -Dprewarm=true.
#ifndef HAK_PREWARM_H
#define HAK_PREWARM_H

#include "hak_heap.h"

// 16 blocks of every tiny class and a few of some pool classes, under 2 MiB in all; or, with
// HAKMEM_PREWARM=2, only of the classes that recently ended threads used.
void hak_prewarm(struct hak_heap *heap);

// Notes which classes the ending thread's heap used.
void hak_prewarm_learn(const struct hak_heap *heap);

#endif
