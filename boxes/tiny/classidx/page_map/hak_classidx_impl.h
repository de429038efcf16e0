// The registry answers class and ownership with one compare: entry ^ tag is a bin offset exactly
// when the block belongs to the heap with that tag.
#ifndef HAK_CLASSIDX_IMPL_H
#define HAK_CLASSIDX_IMPL_H

#define HAK_CLASSIDX_IMPL "page_map"

HAK_FAST size_t hak_classidx_bin(const void *p, const uint32_t *tag)
{
    return hak_page_registry_entry_xor(p, tag);
}

HAK_FAST void hak_classidx_stamp(void *block, unsigned size_class)
{
    (void)block;
    (void)size_class;
}

#endif
