// Memory for hakmem's own objects.
#include "fake_calls.h"
#include "hak_meta.h"

enum { LINE = HAK_CACHE_LINE_BYTES };

Test(meta, objects_are_zeroed_lines_of_their_own)
{
    struct dice dice = dice_from(3);
    char *objects[300];
    size_t bytes[300];
    for (unsigned i = 0; i < 300; i++) {
        bytes[i] = 1 + dice_roll(&dice, 8192);
        objects[i] = hak_meta_alloc(bytes[i]);
        expect(objects[i] != NULL && (uintptr_t)objects[i] % LINE == 0);
        expect(is_filled(objects[i], 0, bytes[i]), "object %u", i);
        memset(objects[i], (int)(i % 255 + 1), bytes[i]);
    }
    for (unsigned i = 0; i < 300; i++)
        expect(is_filled(objects[i], (unsigned char)(i % 255 + 1), bytes[i]), "object %u", i);
}

Test(meta, the_largest_objects_fit)
{
    for (unsigned i = 0; i < 20; i++) {
        char *object = hak_meta_alloc(64 * 1024);
        expect(object != NULL && is_filled(object, 0, 64 * 1024));
        memset(object, 1, 64 * 1024);
    }
}

Test(meta, pools_reuse_their_own_objects_only)
{
    struct hak_meta_pool small = {.bytes = 64, .link_offset = 8};
    struct hak_meta_pool large = {.bytes = 192, .link_offset = 0};
    char *objects[100];
    for (unsigned i = 0; i < 100; i++) {
        objects[i] = hak_meta_take(i % 2 == 0 ? &small : &large);
        expect(is_filled(objects[i], 0, i % 2 == 0 ? 64 : 192));
        memset(objects[i], 0x77, i % 2 == 0 ? 64 : 192);
    }
    for (unsigned i = 0; i < 100; i++)
        hak_meta_give(i % 2 == 0 ? &small : &large, objects[i]);
    struct hak_os_counts before = hak_os_counts();
    for (unsigned i = 100; i-- > 0;) {
        char *object = hak_meta_take(i % 2 == 0 ? &small : &large);
        expect(object == objects[i], "last in, first out");
        size_t link = i % 2 == 0 ? 8 : 0, after = link + sizeof(void *);
        expect(is_filled(object, 0x77, link), "contents stay, link aside");
        expect(is_filled(object + after, 0x77, (i % 2 == 0 ? 64 : 192) - after));
    }
    expect(hak_os_counts().map == before.map);
    char *fresh = hak_meta_take(&small);
    expect(is_filled(fresh, 0, 64));
}

Test(meta, fully_hardened_it_lies_between_inaccessible_pages)
{
    struct hak_os_counts before = hak_os_counts();
    expect(hak_meta_alloc(LINE) != NULL);
    expect(hak_os_counts().map - before.map == (HAK_HARDENED_FULLY ? 3 : 1), "both are protected");
}

static void take_a_megabyte(bool may_fail)
{
    static struct hak_meta_pool pool = {.bytes = 4096};
    for (unsigned i = 0; i < 256; i++) {
        char *object = i % 2 == 0 ? hak_meta_take(&pool) : hak_meta_alloc(4096);
        expect(object != NULL || may_fail);
        expect(object == NULL || (is_filled(object, 0, 4096)));
        if (object != NULL)
            memset(object, 1, 4096);
    }
}

Test(meta, without_memory_it_says_so)
{
    expect(fail_each_call(take_a_megabyte) >= 4);
}
