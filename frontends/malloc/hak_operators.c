// The C++ operators new and delete by their mangled names, so that the library needs no libstdc++.
// What they need of the C++ run time is there exactly in the programs that call them.
#include "hak_serve.h"

// Mangled names have no prototypes in C.
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

// std::get_new_handler() and std::__throw_bad_alloc(); NULL without a C++ run time.
typedef void (*new_handler)(void);
__attribute__((weak)) new_handler _ZSt15get_new_handlerv(void);
__attribute__((weak)) _Noreturn void _ZSt17__throw_bad_allocv(void);

bool hak_call_new_handler(new_handler handler); // in hak_new_handler.cc

// Returns false when the handler threw and nothing may be thrown.
static bool call_handler(new_handler handler, bool throws)
{
    if (HAK_CXX && !throws)
        return hak_call_new_handler(handler);
    handler();
    return true;
}

// What [new.delete.single] asks for when there is no memory: the handler, as long as there is one.
static void *new_slow(size_t alignment, size_t bytes, bool throws)
{
    for (;;) {
        void *block = hak_serve_aligned(alignment, bytes);
        if (block != NULL)
            return block;
        new_handler handler = _ZSt15get_new_handlerv != NULL ? _ZSt15get_new_handlerv() : NULL;
        if (handler != NULL && call_handler(handler, throws))
            continue;
        if (!throws)
            return NULL;
        if (_ZSt17__throw_bad_allocv != NULL)
            _ZSt17__throw_bad_allocv();
        hak_panic("out of memory in operator new", NULL, "no C++ run time to throw bad_alloc");
    }
}

HAK_FAST void *new_plain(size_t bytes, bool throws)
{
    void *block = hak_serve_alloc(bytes);
    return HAK_LIKELY(block != NULL) ? block : new_slow(1, bytes, throws);
}

HAK_FAST void *new_aligned(size_t bytes, size_t alignment, bool throws)
{
    void *block = hak_serve_aligned(alignment, bytes);
    return HAK_LIKELY(block != NULL) ? block : new_slow(alignment, bytes, throws);
}

// Mangled: Zn new, Zd delete; w and l one object, a an array; m size_t, Pv void *;
// St11align_val_t an alignment, RKSt9nothrow_t the nothrow tag.
#define NEW(name) HAK_EXPORT void *name
#define DELETE(name) HAK_EXPORT void name

// clang-format off
NEW(_Znwm)(size_t n) { return new_plain(n, true); }
NEW(_Znam)(size_t n) { return new_plain(n, true); }
NEW(_ZnwmRKSt9nothrow_t)(size_t n, const void *tag) { (void)tag; return new_plain(n, false); }
NEW(_ZnamRKSt9nothrow_t)(size_t n, const void *tag) { (void)tag; return new_plain(n, false); }
NEW(_ZnwmSt11align_val_t)(size_t n, size_t a) { return new_aligned(n, a, true); }
NEW(_ZnamSt11align_val_t)(size_t n, size_t a) { return new_aligned(n, a, true); }
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t)(size_t n, size_t a, const void *tag)
{ (void)tag; return new_aligned(n, a, false); }
NEW(_ZnamSt11align_val_tRKSt9nothrow_t)(size_t n, size_t a, const void *tag)
{ (void)tag; return new_aligned(n, a, false); }

DELETE(_ZdlPv)(void *p) { hak_serve_free(p); }
DELETE(_ZdaPv)(void *p) { hak_serve_free(p); }
DELETE(_ZdlPvm)(void *p, size_t n) { hak_serve_free_sized(p, 1, n); }
DELETE(_ZdaPvm)(void *p, size_t n) { hak_serve_free_sized(p, 1, n); }
DELETE(_ZdlPvRKSt9nothrow_t)(void *p, const void *tag) { (void)tag; hak_serve_free(p); }
DELETE(_ZdaPvRKSt9nothrow_t)(void *p, const void *tag) { (void)tag; hak_serve_free(p); }
DELETE(_ZdlPvSt11align_val_t)(void *p, size_t a) { (void)a; hak_serve_free(p); }
DELETE(_ZdaPvSt11align_val_t)(void *p, size_t a) { (void)a; hak_serve_free(p); }
DELETE(_ZdlPvmSt11align_val_t)(void *p, size_t n, size_t a) { hak_serve_free_sized(p, a, n); }
DELETE(_ZdaPvmSt11align_val_t)(void *p, size_t n, size_t a) { hak_serve_free_sized(p, a, n); }
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t)(void *p, size_t a, const void *tag)
{ (void)a; (void)tag; hak_serve_free(p); }
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t)(void *p, size_t a, const void *tag)
{ (void)a; (void)tag; hak_serve_free(p); }
// clang-format on
