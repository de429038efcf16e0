// What a block of a slab looks like:
//
//   free   | 0 0 0 ...                              0 |    up to CHECKED_MAX_BYTES looked at
//   out    | user's bytes                    | canary |    8 bytes, no two blocks' alike
#include "hak_hardening.h"
#include "hak_random.h"

#include <string.h>

// A look at fresh memory makes the kernel provide it.  With headers a slab's memory holds those of
// the slab before it, of another class.
enum { CHECKED_MAX_BYTES = HAK_HEADER_CLASSIDX ? 0 : 64 * 1024 };

static uint64_t canary_of(const char *block)
{
    return hak_random_hash((uintptr_t)block) | 1; // a string's end, one byte too far, changes it
}

static bool is_zero(const char *block, size_t bytes)
{
    return block[0] == 0 && memcmp(block, block + 1, bytes - 1) == 0;
}

void hak_seal_put_on(char *block, size_t bytes)
{
    if (bytes <= CHECKED_MAX_BYTES && HAK_UNLIKELY(!is_zero(block, bytes)))
        hak_panic("write after free to", block,
                  "the free block was changed; run with HAKMEM_SAMPLE=1 or AddressSanitizer");
    uint64_t canary = canary_of(block);
    memcpy(block + bytes - sizeof canary, &canary, sizeof canary);
}

void hak_seal_take_off(char *block, size_t bytes)
{
    uint64_t canary = canary_of(block);
    if (HAK_UNLIKELY(memcmp(block + bytes - sizeof canary, &canary, sizeof canary) != 0))
        hak_panic("write past the end of", block,
                  "what lies behind was changed; run with HAKMEM_SAMPLE=1 or AddressSanitizer");
    memset(block, 0, bytes);
}
