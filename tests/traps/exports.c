// Trap 12: every allocation name resolves to hakmem, so that no pointer crosses into another
// allocator.
#define _GNU_SOURCE
#include "trap.h"
#include <dlfcn.h>
#include <malloc.h>

static const char *const names[] = {
    "malloc",
    "calloc",
    "realloc",
    "free",
    "reallocarray",
    "reallocarr",
    "aligned_alloc",
    "posix_memalign",
    "memalign",
    "valloc",
    "pvalloc",
    "cfree",
    "malloc_usable_size",
    "malloc_trim",
    "malloc_stats",
    "malloc_info",
    "mallinfo",
    "mallinfo2",
    "mallopt",
    "free_sized",
    "free_aligned_sized",
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_free",
    "__libc_memalign",
    "__libc_valloc",
    "__libc_pvalloc",
    // operator new: plain, nothrow, aligned, aligned nothrow; then the arrays
    "_Znwm",
    "_ZnwmRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_Znam",
    "_ZnamRKSt9nothrow_t",
    "_ZnamSt11align_val_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    // operator delete: plain, nothrow, sized, aligned, sized aligned, aligned nothrow; then the
    // arrays
    "_ZdlPv",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdlPvm",
    "_ZdlPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPv",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdaPvm",
    "_ZdaPvSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

int main(void)
{
    int missing = 0;
    free(malloc(1));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Dl_info info;
        void *address = dlsym(RTLD_DEFAULT, names[i]);
        if (address && dladdr(address, &info) && strstr(info.dli_fname, "libhakmem"))
            continue;
        printf("%s comes from %s\n", names[i], address ? info.dli_fname : "nowhere");
        missing++;
    }
    return missing != 0;
}
