// Trap 2: both libraries can be opened at run time, need at most 64 bytes of static TLS, and stay
// mapped after dlclose. This program's own malloc is the system's throughout.
#define _GNU_SOURCE
#include "trap.h"
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>

static int check_tls(struct dl_phdr_info *info, size_t bytes, void *ret_seen)
{
    (void)bytes;
    if (!strstr(info->dlpi_name, "libhakmem"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            CHECK(info->dlpi_phdr[i].p_memsz <= 64);
    ++*(int *)ret_seen;
    return 0;
}

static void open_and_use(const char *path, const char *alloc_name, const char *free_name)
{
    void *(*alloc)(size_t);
    void (*release)(void *);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        puts(dlerror());
    CHECK(library);
    CHECK(*(void **)&alloc = dlsym(library, alloc_name));
    CHECK(*(void **)&release = dlsym(library, free_name));
    CHECK(alloc != malloc);
    char *system = malloc(100), *own = alloc(100000);
    CHECK(system && own);
    memset(own, 1, 100000);
    CHECK(dlclose(library) == 0);
    CHECK(own[99999] == 1); // the library and its memory are still there
    for (size_t n = 1; n < 1 << 22; n += n / 3 + 1)
        release(alloc(n));
    release(own);
    free(system);
}

// Arguments: libhakmem-api.so, libhakmem.so.
int main(int argc, char **argv)
{
    int seen = 0;
    CHECK(argc == 3);
    open_and_use(argv[1], "hak_alloc", "hak_free");
    open_and_use(argv[2], "malloc", "free");
    open_and_use(argv[2], "hak_alloc", "hak_free");
    dl_iterate_phdr(check_tls, &seen);
    CHECK(seen == 2);
}
