// A program of somebody else that uses hakmem; built in each way that hakmem offers, as C and C++.
// Built with REPLACES 1 when malloc must be hakmem's, 0 when it must still be libc's, and with
// OWNER, a part of the name of the file that must define malloc ("" when the program is fully
// static).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <hakmem/hakmem.h>
#include <hakmem/version.h>

#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("consumer: line %d: %s does not hold\n", __LINE__, #what);                      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static int from_hakmem(void *block)
{
    return malloc_usable_size(block) == hak_good_size(100);
}

static void check_owner(void)
{
    Dl_info info;
    memset(&info, 0, sizeof info);
    if (!OWNER[0])
        return;
    REQUIRE(dladdr((void *)(uintptr_t)&malloc, &info));
    printf("malloc is in %s\n", info.dli_fname);
    REQUIRE(strstr(info.dli_fname, OWNER));
}

static void check_malloc(void)
{
    char text[101];
    void *block = malloc(100), *copy;
    memset(text, 'x', 100);
    text[100] = 0;
    copy = strdup(text + 1); // libc's own calls go the same way
    REQUIRE(block && copy && from_hakmem(block) == REPLACES && from_hakmem(copy) == REPLACES);
    free(block);
    free(copy);
    block = aligned_alloc(4096, 8192);
    REQUIRE(block && (uintptr_t)block % 4096 == 0);
    free(block);
}

static void check_api(void)
{
    char *block = (char *)hak_alloc(100);
    REQUIRE(block && hak_usable_size(block) == hak_good_size(100) && hak_good_size(100) >= 100);
    strcpy(block, "kept");
    block = (char *)hak_realloc(block, 100000);
    REQUIRE(block && !strcmp(block, "kept"));
    hak_free(block);
    block = (char *)hak_calloc(10, 10);
    REQUIRE(block && !block[0] && !memcmp(block, block + 1, 99));
    hak_free_sized(block, 100);
    block = (char *)hak_aligned_alloc(1024, 1024);
    REQUIRE(block && (uintptr_t)block % 1024 == 0);
    hak_free(block);
    REQUIRE(!strcmp(hak_version(), HAKMEM_VERSION));
}

#ifdef __cplusplus
static void check_operators()
{
    struct alignas(256) Wide {
        char bytes[256];
    };
    char *block = new char[100];
    REQUIRE(from_hakmem(block) == REPLACES);
    delete[] block;
    Wide *wide = new Wide;
    REQUIRE((uintptr_t)wide % 256 == 0);
    delete wide;
    std::vector<std::string> words(1000, std::string(50, 'x'));
    REQUIRE(words.back().size() == 50);
}
#endif

int main(void)
{
    check_owner();
    check_malloc();
    check_api();
#ifdef __cplusplus
    check_operators();
#endif
    puts("consumer: good");
    return 0;
}
