// Names that glibc 2.36 does not have.
#define _GNU_SOURCE
#include "api_test.h"
#include <dlfcn.h>

// Store the address of `name` in the function pointer `ret_function`; POSIX allows it, ISO C has no
// way.
static void find(const char *name, void *ret_function)
{
    char entry[80];
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(ret_function, &address, sizeof address);
    snprintf(entry, sizeof entry, "ext %s", name);
    if (!address)
        show(entry, "absent");
}

void ext_frees(void)
{
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    void (*cfree)(void *);
    find("free_sized", &free_sized);
    find("free_aligned_sized", &free_aligned_sized);
    find("cfree", &cfree);
    errno = UNTOUCHED;
    for (size_t s = 0; sizes[s] <= 5 << 20; s++) {
        const size_t n = sizes[s];
        if (free_sized)
            free_sized(malloc(n), n), free_sized(calloc(1, n), n), free_sized(NULL, n);
        for (size_t a = 8; free_aligned_sized && a <= 1 << 21; a *= 2)
            free_aligned_sized(aligned_alloc(a, n), a, n), free_aligned_sized(NULL, a, n);
        if (cfree)
            cfree(malloc(n)), cfree(NULL);
    }
    const char *seen = errno == UNTOUCHED ? "ok" : "errno CHANGED";
    if (free_sized)
        show("ext free_sized", "%s", seen);
    if (free_aligned_sized)
        show("ext free_aligned_sized", "%s", seen);
    if (cfree)
        show("ext cfree", "%s", seen);
}

// reallocarr(3) of NetBSD: the answer is 0 or an error number, errno stays, and *p is written on
// success only; a product of zero frees.
void ext_reallocarr(void)
{
    int (*reallocarr)(void *, size_t, size_t);
    find("reallocarr", &reallocarr);
    if (!reallocarr)
        return;
    unsigned char *p = NULL, *old;
    errno = UNTOUCHED;
    bool ok = reallocarr(&p, 10, 10) == 0 && p;
    fill(p, 100);
    old = p;
    show("ext reallocarr overflow", "%s",
         reallocarr(&p, SIZE_MAX / 2, 3) == EOVERFLOW && p == old ? "ok" : "want EOVERFLOW");
    show("ext reallocarr too large", "%s",
         reallocarr(&p, PTRDIFF_MAX, 1) == ENOMEM && p == old ? "ok" : "want ENOMEM");
    ok &= reallocarr(&p, 1000, 100) == 0 && holds(p, 100);
    show("ext reallocarr", "%s", ok ? "ok" : "FAILED");
    show("ext reallocarr zero", "%s",
         reallocarr(&p, 0, 8) == 0 && !p ? "ok" : "want a NULL pointer");
    show("ext reallocarr errno", "%s", errno == UNTOUCHED ? "ok" : "CHANGED");
}
