// A bell for the one thread of hakmem's own: it sleeps until somebody rings.
#ifndef HAK_BELL_H
#define HAK_BELL_H

#include "hak_base.h"

// How often it has rung, for hak_bell_wait: to be read before looking for what is to be done.
uint32_t hak_bell_rings(void);

// Keeps errno.  Cost: a system call.
void hak_bell_ring(void);

// Sleeps until it has rung more often than `rings` times, or for `ms` milliseconds; 0: without end.
void hak_bell_wait(uint32_t rings, unsigned ms);

#endif
