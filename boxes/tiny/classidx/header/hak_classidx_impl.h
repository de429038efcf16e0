// One byte before the block names its class, whoever owns it:  | 101 | class, 5 bits |
//
// The byte is the last of the preceding stride, so it can lie on the page before.  Within 16 bytes
// of a page start the registry is asked instead; elsewhere p[-1] shares p's page and can be read
// whenever p can.  A stray pointer is not followed unless it points near hakmem's memory.
// Pool classes do not fit in 5 bits: their byte sends the caller to the registry.
#ifndef HAK_CLASSIDX_IMPL_H
#define HAK_CLASSIDX_IMPL_H

#define HAK_CLASSIDX_IMPL "header"

enum {
    HAK_HEADER_MAGIC = 0xa0,
    HAK_HEADER_ASK_REGISTRY = 0xff,
    HAK_HEADER_GUARD_BYTES = 16,
};
_Static_assert(HAK_TINY_CLASSES <= 32, "a tiny class fits in 5 bits");

HAK_FAST size_t hak_classidx_bin(const void *p, const uint32_t *tag)
{
    if (HAK_UNLIKELY(((uintptr_t)p & (HAK_MIN_PAGE_BYTES - HAK_HEADER_GUARD_BYTES)) == 0 ||
                     !hak_page_registry_near(p)))
        return hak_page_registry_entry_xor(p, tag);
    size_t size_class = (size_t)((const uint8_t *)p)[-1] - HAK_HEADER_MAGIC;
    if (HAK_LIKELY(size_class < HAK_TINY_CLASSES))
        return size_class << HAK_BIN_SHIFT;
    return hak_page_registry_entry_xor(p, tag);
}

HAK_FAST void hak_classidx_stamp(void *block, unsigned size_class)
{
    if (hak_class_usable(size_class) == hak_class_stride(size_class))
        return; // page-aligned: no header
    ((uint8_t *)block)[-1] = (uint8_t)(size_class < HAK_TINY_CLASSES ? HAK_HEADER_MAGIC | size_class
                                                                     : HAK_HEADER_ASK_REGISTRY);
}

#endif
