// The index of kept memory: pieces of address space, found by either edge or by size.
//
//   by edge   two growing hash tables, chained: which piece starts here, which ends here?
//   by size   lists, four for each doubling of the size, with a bit for each that is not empty
//   by age    two lists, the oldest first: those with pages, and those whose pages went back
//
// Threads: callers hold HAK_LOCK_BIGCACHE.
#ifndef HAK_PIECES_H
#define HAK_PIECES_H

#include "hak_bigcache.h"
#include "hak_list.h"

enum hak_edge { HAK_EDGE_START, HAK_EDGE_END, HAK_EDGES };

enum hak_pages { HAK_WITH_PAGES, HAK_WITHOUT_PAGES, HAK_PAGES };

struct hak_piece {
    struct hak_mapping mapping;
    enum hak_pages pages;
    struct hak_piece *next[HAK_EDGES]; // in the chains; the first also links free descriptors
    struct hak_link by_size, by_age;
};

// Adds a piece, the youngest.  False: no memory for its descriptor.
bool hak_pieces_add(struct hak_mapping mapping, enum hak_pages pages);

// Removes a piece.
void hak_pieces_remove(struct hak_piece *piece);

// Cuts the piece's first or last bytes off; it keeps its age.  Pre: 0 < bytes < its size.
struct hak_mapping hak_pieces_cut(struct hak_piece *piece, enum hak_edge edge, size_t bytes);

// The piece with this edge at `address`.  NULL: none.
struct hak_piece *hak_pieces_at(enum hak_edge edge, const char *address);

// A piece of at least `bytes` at a multiple of `alignment`, nearly the smallest.  NULL: none found.
struct hak_piece *hak_pieces_fit(size_t bytes, size_t alignment);

// NULL: there is none.
struct hak_piece *hak_pieces_oldest(enum hak_pages pages);

#endif
