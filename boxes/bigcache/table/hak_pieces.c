#include "hak_pieces.h"
#include "hak_meta.h"
#include "hak_os_boundary.h"

enum {
    FIRST_BUCKETS = 256, // in each of the tables
    MOST_BUCKETS = 65536,
    SIZE_LISTS = 128,
    TRIES = 16, // pieces looked at in one size list
};

static struct hak_piece *first_buckets[HAK_EDGES][FIRST_BUCKETS];
static struct hak_piece **buckets[HAK_EDGES];
static size_t bucket_count;
static size_t piece_count;
static struct hak_link sizes[SIZE_LISTS];
static uint64_t filled[SIZE_LISTS / 64]; // one bit for each size list that is not empty
static struct hak_link ages[HAK_PAGES];
static struct hak_piece *spare; // the descriptor last given up: most often the next one needed

static struct hak_meta_pool piece_pool = {
    .bytes = 2 * (size_t)HAK_CACHE_LINE_BYTES,
    .link_offset = offsetof(struct hak_piece, next),
};
_Static_assert(sizeof(struct hak_piece) <= 2 * HAK_CACHE_LINE_BYTES, "two lines a descriptor");

static void begin(void)
{
    if (bucket_count != 0)
        return;
    for (unsigned i = 0; i < SIZE_LISTS; i++)
        hak_list_clear(&sizes[i]);
    for (unsigned pages = 0; pages < HAK_PAGES; pages++)
        hak_list_clear(&ages[pages]);
    for (unsigned edge = 0; edge < HAK_EDGES; edge++)
        buckets[edge] = first_buckets[edge];
    bucket_count = FIRST_BUCKETS;
}

static const char *edge_of(const struct hak_piece *piece, enum hak_edge edge)
{
    return piece->mapping.start + (edge == HAK_EDGE_END ? piece->mapping.bytes : 0);
}

// Multiplicative hashing (D. Knuth, "The Art of Computer Programming" 3, 6.4): 2^64 / golden ratio,
// and the upper bits of the product, on which all of the address has an influence.
static size_t bucket_of(const char *address)
{
    uint64_t product = (uintptr_t)address * 0x9e3779b97f4a7c15;
    return product >> 48 & (bucket_count - 1);
}
_Static_assert(MOST_BUCKETS == 1 << 16, "as many as there are bits of the product left");

static struct hak_piece **chain(enum hak_edge edge, const char *address)
{
    return &buckets[edge][bucket_of(address)];
}

static void hook(struct hak_piece *piece, enum hak_edge edge)
{
    struct hak_piece **head = chain(edge, edge_of(piece, edge));
    piece->next[edge] = *head;
    *head = piece;
}

static void unhook(struct hak_piece *piece, enum hak_edge edge)
{
    struct hak_piece **link = chain(edge, edge_of(piece, edge));
    while (*link != piece)
        link = &(*link)->next[edge];
    *link = piece->next[edge];
}

static void hook_all(const struct hak_link *list)
{
    for (struct hak_link *link = list->next; link != list; link = link->next) {
        struct hak_piece *piece = HAK_LIST_ENTRY(link, struct hak_piece, by_age);
        hook(piece, HAK_EDGE_START);
        hook(piece, HAK_EDGE_END);
    }
}

// Doubles the tables.  Without memory for that the chains just get longer.
static void grow(void)
{
    size_t bytes = 2 * bucket_count * sizeof(struct hak_piece *);
    char *tables = hak_os_map(HAK_EDGES * bytes, 1);
    if (tables == NULL)
        return;
    char *old = bucket_count > FIRST_BUCKETS ? (char *)buckets[0] : NULL;
    for (unsigned edge = 0; edge < HAK_EDGES; edge++)
        buckets[edge] = (struct hak_piece **)(tables + edge * bytes);
    bucket_count *= 2;
    for (unsigned pages = 0; pages < HAK_PAGES; pages++)
        hook_all(&ages[pages]);
    if (old != NULL)
        hak_os_discard(old, HAK_EDGES * bytes / 2);
}

// Every size in a list is below every size in the next.
static unsigned size_list(size_t bytes)
{
    size_t granules = bytes / HAK_GRANULE_BYTES;
    if (granules < 4)
        return (unsigned)granules;
    unsigned log = (unsigned)HAK_LOG2(granules);
    return 4 * (log - 1) + (unsigned)(granules >> (log - 2) & 3);
}
_Static_assert(4 * (47 - HAK_GRANULE_SHIFT - 1) + 3 < SIZE_LISTS, "any mapping has a list");

static void list_size(struct hak_piece *piece)
{
    unsigned list = size_list(piece->mapping.bytes);
    hak_list_insert(sizes[list].next, &piece->by_size);
    filled[list / 64] |= (uint64_t)1 << (list % 64);
}

static void unlist_size(struct hak_piece *piece)
{
    unsigned list = size_list(piece->mapping.bytes);
    hak_list_remove(&piece->by_size);
    if (hak_list_is_empty(&sizes[list]))
        filled[list / 64] &= ~((uint64_t)1 << (list % 64));
}

static void index_piece(struct hak_piece *piece)
{
    hook(piece, HAK_EDGE_START);
    hook(piece, HAK_EDGE_END);
    list_size(piece);
}

static void unindex_piece(struct hak_piece *piece)
{
    unhook(piece, HAK_EDGE_START);
    unhook(piece, HAK_EDGE_END);
    unlist_size(piece);
}

bool hak_pieces_add(struct hak_mapping mapping, enum hak_pages pages)
{
    begin();
    struct hak_piece *piece = spare != NULL ? spare : hak_meta_take(&piece_pool);
    spare = NULL;
    if (piece == NULL)
        return false;
    if (piece_count == bucket_count && bucket_count < MOST_BUCKETS)
        grow();
    piece->mapping = mapping;
    piece->pages = pages;
    index_piece(piece);
    hak_list_insert(&ages[pages], &piece->by_age);
    piece_count++;
    return true;
}

void hak_pieces_remove(struct hak_piece *piece)
{
    unindex_piece(piece);
    hak_list_remove(&piece->by_age);
    piece_count--;
    if (spare == NULL)
        spare = piece;
    else
        hak_meta_give(&piece_pool, piece);
}

struct hak_mapping hak_pieces_cut(struct hak_piece *piece, enum hak_edge edge, size_t bytes)
{
    HAK_ASSERT(bytes > 0 && bytes < piece->mapping.bytes);
    unindex_piece(piece);
    struct hak_mapping cut = piece->mapping;
    cut.bytes = bytes;
    piece->mapping.bytes -= bytes;
    if (edge == HAK_EDGE_START)
        piece->mapping.start += bytes;
    else
        cut.start += piece->mapping.bytes;
    index_piece(piece);
    return cut;
}

struct hak_piece *hak_pieces_at(enum hak_edge edge, const char *address)
{
    begin();
    struct hak_piece *piece = *chain(edge, address);
    while (piece != NULL && edge_of(piece, edge) != address)
        piece = piece->next[edge];
    return piece;
}

static struct hak_piece *fit_in(unsigned list, size_t bytes, size_t alignment)
{
    struct hak_piece *best = NULL;
    unsigned tries = 0;
    for (struct hak_link *link = sizes[list].next; link != &sizes[list] && tries < TRIES;
         link = link->next, tries++) {
        struct hak_piece *piece = HAK_LIST_ENTRY(link, struct hak_piece, by_size);
        bool fits = piece->mapping.bytes >= bytes &&
                    ((uintptr_t)piece->mapping.start & (alignment - 1)) == 0;
        if (fits && (best == NULL || piece->mapping.bytes < best->mapping.bytes))
            best = piece;
    }
    return best;
}

// The first list from `list` on that is not empty; SIZE_LISTS when there is none.
static unsigned next_filled(unsigned list)
{
    while (list < SIZE_LISTS && filled[list / 64] >> (list % 64) == 0)
        list = (list | 63) + 1;
    return list < SIZE_LISTS ? list + hak_ctz64(filled[list / 64] >> (list % 64)) : SIZE_LISTS;
}

struct hak_piece *hak_pieces_fit(size_t bytes, size_t alignment)
{
    begin();
    struct hak_piece *best = NULL;
    for (unsigned list = next_filled(size_list(bytes)); best == NULL && list < SIZE_LISTS;
         list = next_filled(list + 1))
        best = fit_in(list, bytes, alignment);
    return best;
}

struct hak_piece *hak_pieces_oldest(enum hak_pages pages)
{
    begin();
    const struct hak_link *list = &ages[pages];
    return hak_list_is_empty(list) ? NULL : HAK_LIST_ENTRY(list->next, struct hak_piece, by_age);
}
