// Test controls of the fake boundary: which kernel calls fail.
#ifndef HAK_OS_BOUNDARY_FAKE_H
#define HAK_OS_BOUNDARY_FAKE_H

#include "hak_os_boundary.h"

// Lets the next `successes` calls pass and fails `failures` calls after them.
void hak_fake_os_fail(unsigned successes, unsigned failures);
// Whether the kernel purges several ranges with one call; not at first.  Where that fails by the
// script, half of them are done.
void hak_fake_os_purges_together(bool can);
// Whether the kernel has large pages where they are wanted; at first it has.
void hak_fake_os_has_large_pages(bool has);
// Whether it gives them to new mappings unasked; at first it does not.
void hak_fake_os_gives_large_pages(bool gives);
// Bytes that may be mapped in all; 4 GiB at first.  Pre: at least what is mapped now.
void hak_fake_os_limit(size_t bytes);
// Moves the clock, which stands still otherwise.
void hak_fake_os_advance(uint64_t ms);

// The machine has `nodes` memory nodes; one at first.
void hak_fake_os_nodes(unsigned nodes);
// The calling thread runs on `node` from now on; on node 0 at first.
void hak_fake_os_move(unsigned node);
// The node that the mapping with `p` in it was placed on; FAKE_OS_NOWHERE when it was not.
enum { FAKE_OS_NOWHERE = HAK_OS_MAX_NODES + 1 };
unsigned hak_fake_os_node_of(const void *p);
// Whether a large page is wanted, or was given unasked, at `p`.
bool hak_fake_os_wants_large_page(const void *p);
// Whether the large page with `p` in it was ever split.
bool hak_fake_os_was_split(const void *p);

#endif
