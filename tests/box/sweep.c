// Sweeps: whole free pages of partly used slabs go back, and nothing else does.
#include "fake_calls.h"
#include "hak_option.h"
#include "hak_sweep.h"
#include "small_registry.h"

enum { PAGE = HAK_MIN_PAGE_BYTES, TAG = 5 << HAK_ENTRY_OWNER_SHIFT, MIB = 1024 * 1024 };

static struct hak_slab_owner owner = {.tag = TAG};

static void without_large_pages(void) // these have a test of their own
{
    small_registry();
    hak_options.huge = 0;
}

TestSuite(sweep, .init = without_large_pages);

static bool is_free(const struct hak_slab *slab, unsigned i)
{
    return (hak_slab_free_bits(slab, i / 64) >> (i % 64) & 1) != 0;
}

static void take(struct hak_slab *slab, unsigned i)
{
    hak_slab_take(slab, i / 64, (uint64_t)1 << (i % 64));
}

static void put(struct hak_slab *slab, unsigned i)
{
    hak_slab_put(slab, i / 64, (uint64_t)1 << (i % 64));
}

// The user's bytes, and the byte before them where a header would be.
static void fill(struct hak_slab *slab, unsigned i)
{
    size_t header = hak_class_stride(slab->size_class) - hak_class_usable(slab->size_class);
    memset(hak_slab_block(slab, i) - header, (int)(i % 255 + 1), slab->stride);
}

static bool is_intact(const struct hak_slab *slab, unsigned i)
{
    size_t header = hak_class_stride(slab->size_class) - hak_class_usable(slab->size_class);
    return is_filled(hak_slab_block(slab, i) - header, (unsigned char)(i % 255 + 1), slab->stride);
}

static struct hak_slab *filled_slab(unsigned size_class)
{
    struct hak_slab *slab = hak_slab_new(&owner, size_class);
    expect(slab != NULL);
    for (unsigned i = 0; i < slab->blocks; i++) {
        take(slab, i);
        fill(slab, i);
    }
    return slab;
}

static bool was_swept[HAK_SLAB_MAX_PAGES]; // and no block of the page taken since

// Marks each page that the block or its header touches.
static void mark_pages(const struct hak_slab *slab, unsigned i, bool *pages, bool value)
{
    size_t header = hak_class_stride(slab->size_class) - hak_class_usable(slab->size_class);
    size_t first = (size_t)(hak_slab_block(slab, i) - slab->span.base) - header;
    for (size_t page = first / PAGE; page <= (first + slab->stride - 1) / PAGE; page++)
        pages[page] = value;
}

// Bytes of pages that free blocks touch and no others; `swept_too` or not.
static size_t free_page_bytes(const struct hak_slab *slab, bool swept_too)
{
    bool pages[HAK_SLAB_MAX_PAGES] = {false};
    for (unsigned i = 0; i < slab->blocks; i++) {
        if (is_free(slab, i))
            mark_pages(slab, i, pages, true);
    }
    for (unsigned i = 0; i < slab->blocks; i++) {
        if (!is_free(slab, i))
            mark_pages(slab, i, pages, false);
    }
    size_t bytes = 0;
    for (unsigned page = 0; page < HAK_SLAB_MAX_PAGES; page++)
        bytes += pages[page] && (swept_too || !was_swept[page]) ? PAGE : 0;
    return bytes;
}

static void note_sweep(const struct hak_slab *slab)
{
    for (unsigned i = 0; i < slab->blocks; i++) {
        if (is_free(slab, i))
            mark_pages(slab, i, was_swept, true);
    }
    for (unsigned i = 0; i < slab->blocks; i++) {
        if (!is_free(slab, i))
            mark_pages(slab, i, was_swept, false);
    }
}

static void sweep_and_check(struct hak_slab *slab)
{
    size_t least = free_page_bytes(slab, false), most = free_page_bytes(slab, true);
    size_t swept = hak_sweep(&owner);
    expect(least <= swept && swept <= most, "class %u: %zu, not %zu to %zu bytes", slab->size_class,
           swept, least, most);
    note_sweep(slab);
    size_t zeros = 0;
    for (unsigned i = 0; i < slab->blocks; i++) {
        expect(is_free(slab, i) || is_intact(slab, i), "class %u, block %u", slab->size_class, i);
        for (size_t j = 0; is_free(slab, i) && j < slab->stride; j++)
            zeros += hak_slab_block(slab, i)[j] == 0;
    }
    expect(zeros + 2 * PAGE >= swept, "class %u: %zu bytes are zero", slab->size_class, zeros);
    expect(hak_sweep(&owner) == 0, "nothing is given back twice");
}

Test(sweep, random_holes_in_every_class)
{
    struct dice dice = dice_from(11);
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_slab *slab = filled_slab(size_class);
        memset(was_swept, false, sizeof was_swept);
        for (unsigned round = 0; round < 6; round++) {
            unsigned first = dice_roll(&dice, slab->blocks);
            unsigned count = dice_roll(&dice, slab->blocks);
            for (unsigned i = first; i < slab->blocks && i < first + count; i++) {
                if (!is_free(slab, i) && dice_roll(&dice, 500) != 0)
                    put(slab, i);
            }
            // Less is not looked at; a slab without free blocks is not listed.
            if ((size_t)slab->free_blocks * slab->stride >= PAGE)
                sweep_and_check(slab);
            for (unsigned i = dice_roll(&dice, slab->blocks); i < slab->blocks; i++) {
                if (is_free(slab, i)) {
                    take(slab, i);
                    fill(slab, i);
                    mark_pages(slab, i, was_swept, false);
                }
            }
            hak_slab_check(slab);
        }
        for (unsigned i = 0; i < slab->blocks; i++) {
            if (!is_free(slab, i))
                put(slab, i);
        }
        hak_slab_trim(&owner);
        expect(owner.slabs == 0 && owner.free_bytes == 0 && owner.span_bytes == 0);
    }
}

Test(sweep, fresh_pages_have_nothing_to_give)
{
    struct hak_slab *slab = hak_slab_new(&owner, 20);
    uint64_t calls = kernel_calls();
    expect(slab->span.zero && hak_sweep(&owner) == 0 && kernel_calls() == calls);
    take(slab, 0);
    fill(slab, 0);
    put(slab, 0);
    size_t swept = hak_sweep(&owner);
    expect(swept > 0 && swept <= 2 * PAGE, "%zu bytes", swept);
}

Test(sweep, a_refusal_is_no_loss)
{
    struct hak_slab *slab = filled_slab(20);
    for (unsigned i = 1; i < slab->blocks; i++)
        put(slab, i);
    size_t wanted = free_page_bytes(slab, true);
    hak_fake_os_fail(0, UINT_MAX);
    expect(hak_sweep(&owner) == 0);
    hak_fake_os_fail(0, 0);
    expect(is_intact(slab, 0) && wanted > 0 && hak_sweep(&owner) == wanted);
    expect(is_intact(slab, 0));
}

// A kernel that refuses once refuses always: asking costs one call, and is not due again.
Test(sweep, a_refusal_ends_the_sweep)
{
    struct hak_slab *all[60];
    for (unsigned i = 0; i < 60; i++)
        all[i] = filled_slab(24);
    for (unsigned i = 0; i < 60; i++) {
        for (unsigned j = 0; j + 2 < all[i]->blocks; j++)
            put(all[i], j);
    }
    expect(hak_sweep_due(&owner));
    uint64_t calls = kernel_calls();
    hak_fake_os_fail(0, UINT_MAX);
    expect(hak_sweep(&owner) == 0 && kernel_calls() == calls + 1 && !hak_sweep_due(&owner));
    hak_fake_os_fail(0, 0);
    expect(hak_sweep(&owner) > 0);
}

static struct hak_slab *slabs[400];

// Runs of 100 slabs, one each; returns their bytes.
static size_t free_a_run_in_each_of_100(void)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < 100; i++)
        slabs[i] = filled_slab(24);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned j = 0; j + 2 < slabs[i]->blocks; j++)
            put(slabs[i], j);
        bytes += free_page_bytes(slabs[i], true);
    }
    return bytes;
}

Test(sweep, runs_of_many_slabs_are_purged_together)
{
    hak_fake_os_purges_together(true);
    size_t bytes = free_a_run_in_each_of_100();
    uint64_t calls = kernel_calls();
    expect(hak_sweep(&owner) == bytes && kernel_calls() == calls + 2, "64 runs, then 36");
    for (unsigned i = 0; i < 100; i++) {
        unsigned last = slabs[i]->blocks - 1u;
        expect(is_intact(slabs[i], last) && is_intact(slabs[i], last - 1));
    }
    expect(hak_sweep(&owner) == 0, "nothing is given back twice");
}

Test(sweep, what_was_purged_before_a_refusal_is_known)
{
    size_t bytes = free_a_run_in_each_of_100();
    hak_fake_os_fail(70, 1);
    expect(hak_sweep(&owner) == bytes / 100 * 70);
    expect(hak_sweep(&owner) == bytes / 100 * 30);
}

// --- when

static void put_all(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        for (unsigned j = 1; j < slabs[i]->blocks; j++) { // one stays, so the slab does
            if (!is_free(slabs[i], j))
                put(slabs[i], j);
        }
    }
}

static void take_all(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        for (unsigned j = 1; j < slabs[i]->blocks; j++) {
            if (is_free(slabs[i], j))
                take(slabs[i], j);
        }
    }
}

Test(sweep, it_is_due_when_much_became_free)
{
    for (unsigned i = 0; i < 400; i++) // 25 MiB
        slabs[i] = filled_slab(24);
    expect(!hak_sweep_due(&owner));
    put_all(0, 30); // under 2 MiB
    expect(!hak_sweep_due(&owner));
    put_all(30, 36);
    expect(!hak_sweep_due(&owner), "2 MiB are not an eighth of the rest");
    put_all(36, 60);
    expect(hak_sweep_due(&owner));
    expect(hak_sweep(&owner) > 3 * MIB && !hak_sweep_due(&owner));
    put_all(60, 64);
    expect(!hak_sweep_due(&owner), "growth counts from the last sweep");
    take_all(0, 64); // and from the lowest point since
    expect(!hak_sweep_due(&owner));
    put_all(0, 64);
    expect(hak_sweep_due(&owner));
}

Test(sweep, it_is_patient_where_pages_are_used_again)
{
    for (unsigned i = 0; i < 200; i++)
        slabs[i] = filled_slab(24);
    expect(owner.sweep.patience == 0);
    for (unsigned round = 0; round < 10; round++) {
        put_all(0, 100);
        expect(hak_sweep(&owner) > 0);
        take_all(0, 100); // in vain
        expect(!hak_sweep_due(&owner));
    }
    expect(owner.sweep.patience >= 4 && owner.sweep.patience <= 8, "%u", owner.sweep.patience);
    put_all(0, 60);
    expect(!hak_sweep_due(&owner));
    for (unsigned i = 60; owner.sweep.patience > 0 && i < 200; i += 10) {
        put_all(i, i + 10);
        expect(hak_sweep(&owner) > 0); // not in vain any more
    }
    expect(owner.sweep.patience == 0, "%u", owner.sweep.patience);
}
