// The runner: puts the target back to its first state before each input, counts operations.
#include "arena.h"
#include "fuzz.h"

#include <link.h>
#include <pthread.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// The target's data, and how they were at first.  Words, because a sanitizer watches memcpy.
static volatile uint64_t *image;
static size_t image_words;
static uint64_t *kept;

static uint64_t operations, inputs;

// The writable data of the library that holds `argument`: its second load segment for writing would
// be another; linkers make one.  What is read-only after relocation comes first in it.
static int find_image(struct dl_phdr_info *info, size_t info_bytes, void *argument)
{
    (void)info_bytes;
    uintptr_t wanted = (uintptr_t)argument, from = 0, end = 0, relro_end = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_GNU_RELRO)
            relro_end = start + header->p_memsz;
        if (header->p_type == PT_LOAD && wanted - start < header->p_memsz) {
            from = start;
            end = start + header->p_memsz;
        }
    }
    if (end == 0)
        return 0;
    from = hak_round_up(relro_end > from ? relro_end : from, sizeof(uint64_t));
    image = (volatile uint64_t *)from;
    image_words = (end - from) / sizeof(uint64_t);
    return 1;
}

static void say_count(void)
{
    fprintf(stderr, "%llu operations in %llu inputs\n", (unsigned long long)operations,
            (unsigned long long)inputs);
}

__attribute__((no_sanitize("address"))) static void start(void)
{
    fuzz_start();
    dl_iterate_phdr(find_image, (void *)(uintptr_t)arena_data());
    FUZZ_CHECK(image != NULL, "the target's data");
    kept = malloc(image_words * sizeof kept[0]);
    FUZZ_CHECK(kept != NULL, "%zu words", image_words);
    for (size_t i = 0; i < image_words; i++)
        kept[i] = image[i];
    atexit(say_count);
}

__attribute__((no_sanitize("address"))) static void restore(void)
{
    for (size_t i = 0; i < image_words; i++) {
        if (image[i] != kept[i])
            image[i] = kept[i];
    }
    arena_reset();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (kept == NULL)
        start();
    restore();
    // hakmem makes one key, the lowest free one, and forgets with the reset that it has.
    pthread_key_t key;
    FUZZ_CHECK(pthread_key_create(&key, NULL) == 0 && pthread_key_delete(key) == 0, "no key left");
    operations += fuzz_run(&(struct fuzz_input){data, data + bytes});
    inputs++;
    (void)pthread_key_delete(key);
    return 0;
}
