// Mid sizes: above HAK_TINY_MAX_BYTES, to HAK_POOL_MAX_BYTES.  The bins are the heap's, as for tiny
// classes; the class comes from arithmetic instead of a table, and fresh blocks are handed out one
// by one, so that it is known which of them are still zero.
#ifndef HAK_POOL_H
#define HAK_POOL_H

#include "hak_front.h"

// Whether some class holds `bytes`; larger blocks are mappings of their own.
HAK_FAST bool hak_pool_holds(size_t bytes)
{
    return bytes <= HAK_POOL_MAX_BYTES;
}

// Takes the newest block out of the bin for `bytes`.  False: there is none, or no class holds them.
HAK_FAST bool hak_pool_pop(struct hak_heap *heap, size_t bytes, void **ret_block)
{
    return hak_pool_holds(bytes) &&
           hak_front_pop(heap, hak_class_bin(hak_class_of(bytes)), ret_block);
}

// A block of at least `bytes`.  `*ret_zero`: its memory is known to be zero.  NULL: no memory.
// Pre: hak_pool_holds(bytes); `heap` is the calling thread's.
HAK_FAST void *hak_pool_alloc(struct hak_heap *heap, size_t bytes, bool *ret_zero)
{
    return hak_front_alloc(heap, hak_class_of(bytes), ret_zero);
}

#endif
