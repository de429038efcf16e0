// What every C++ allocation operator does, one observation a line, as in hak_test_api.c.
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <malloc.h>
#include <new>
#include <sys/resource.h>

namespace
{

int handler_calls;

// The compiler must not know the value: it would complain about the call.
std::size_t hidden(std::size_t n)
{
    volatile std::size_t v = n;
    return v;
}

void show(const char *entry, const char *what)
{
    std::printf("%s\t%s\n", entry, what);
}

// The block is aligned, large enough and writable.
template <typename Delete>
void result(const char *entry, void *p, std::size_t alignment, std::size_t n, Delete del)
{
    const bool fine = p && reinterpret_cast<std::uintptr_t>(p) % alignment == 0 &&
                      malloc_usable_size(p) >= n;
    if (p)
        std::memset(p, 0xa5, n);
    show(entry, fine ? "good block" : "BAD BLOCK");
    del(p);
}

#define PAIR(new_call, delete_call, alignment)                                                     \
    for (std::size_t n : {0, 1, 16, 24, 100, 1024, 5000, 100000, 700000, 5 << 20}) {               \
        std::printf("%zu ", n);                                                                    \
        result(#new_call " " #delete_call, new_call, alignment, n, [=](void *p) { delete_call; }); \
    }

void every_form()
{
    const auto a64 = std::align_val_t{64}, a8k = std::align_val_t{8192}, a8 = std::align_val_t{8};
    const std::nothrow_t &no = std::nothrow;
    (void)a8, (void)no;
    PAIR(operator new(n), operator delete(p), 8)
    PAIR(operator new(n), operator delete(p, n), 8)
    PAIR(operator new(n, no), operator delete(p, no), 8)
    PAIR(operator new[](n), operator delete[](p), 8)
    PAIR(operator new[](n), operator delete[](p, n), 8)
    PAIR(operator new[](n, no), operator delete[](p, no), 8)
    PAIR(operator new(n, a64), operator delete(p, a64), 64)
    PAIR(operator new(n, a64), operator delete(p, n, a64), 64)
    PAIR(operator new(n, a8), operator delete(p, a8), 8)
    PAIR(operator new(n, a64, no), operator delete(p, a64, no), 64)
    PAIR(operator new[](n, a8k), operator delete[](p, a8k), 8192)
    PAIR(operator new[](n, a8k), operator delete[](p, n, a8k), 8192)
    PAIR(operator new[](n, a8k, no), operator delete[](p, a8k, no), 8192)
}

void deleting_null()
{
    void *p = nullptr;
    operator delete(p), operator delete[](p), operator delete(p, 8), operator delete[](p, 8);
    operator delete(p, std::nothrow), operator delete[](p, std::nothrow);
    operator delete (p, std::align_val_t{64}), operator delete[](p, 8, std::align_val_t{64});
    show("delete of a null pointer", "returns");
}

struct alignas(256) Wide {
    static int alive;
    char bytes[300];
    Wide()
    {
        alive++;
    }
    ~Wide()
    {
        alive--;
    }
};
int Wide::alive;

void new_expressions()
{
    Wide *one = new Wide, *many = new Wide[7];
    show("alignas(256)",
         (uintptr_t)one % 256 == 0 && (uintptr_t)many % 256 == 0 ? "aligned" : "MISALIGNED");
    delete one;
    delete[] many;
    show("new expressions balance", Wide::alive == 0 ? "yes" : "NO");
    char *a = new char[0], *b = new char[0];
    show("new char[0] is unique", a != b ? "yes" : "NO");
    delete[] a;
    delete[] b;
    errno = 77;
    operator delete(operator new(5 << 20));
    show("delete keeps errno", errno == 77 ? "yes" : "NO");
}

// --- out of memory -------------------------------------------------------------------------------

void gives_up_after_three()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}
void throws_int()
{
    throw 42;
}
void throws_bad_alloc()
{
    throw std::bad_alloc();
}

template <typename New> void failure(const char *entry, std::new_handler handler, New make)
{
    char seen[80];
    handler_calls = 0;
    std::set_new_handler(handler);
    const char *how = "returned a block";
    try {
        if (!make())
            how = "returned NULL";
    } catch (const std::bad_alloc &) {
        how = "threw bad_alloc";
    } catch (int) {
        how = "threw the handler's exception";
    }
    std::set_new_handler(nullptr);
    std::snprintf(seen, sizeof seen, "%s, %d handler calls", how, handler_calls);
    show(entry, seen);
}

#define FAIL(new_call)                                                                             \
    failure("no handler: " #new_call, nullptr, [=] { return new_call; });                          \
    failure("three calls: " #new_call, gives_up_after_three, [=] { return new_call; });            \
    failure("handler throws int: " #new_call, throws_int, [=] { return new_call; });               \
    failure("handler throws bad_alloc: " #new_call, throws_bad_alloc, [=] { return new_call; });

void out_of_memory()
{
    const std::align_val_t a64{64};
    const std::nothrow_t &no = std::nothrow;
    (void)no;
    const std::size_t n = hidden(SIZE_MAX / 2 + 1);
    FAIL(operator new(n))
    FAIL(operator new[](n))
    FAIL(operator new(n, a64))
    FAIL(operator new[](n, a64))
    FAIL(operator new(n, no))
    FAIL(operator new[](n, no))
    FAIL(operator new(n, a64, no))
    FAIL(operator new[](n, a64, no))
    // libstdc++ 12 rounds this size up to the alignment, overflows to 0 and returns a block: an
    // "ext" entry, where hakmem has to be right and the system may differ.
    void *p = operator new(hidden(SIZE_MAX - 8), a64, no);
    show("ext operator new(SIZE_MAX - 8, align_val_t{64}, nothrow)", p ? "a block" : "ok");
}

// A handler that makes room: the address space is short, the hoard is given up, the request
// succeeds.
void *hoard;
void gives_up_the_hoard()
{
    handler_calls++;
    operator delete(hoard);
    hoard = nullptr;
    std::set_new_handler(nullptr);
}

std::size_t address_space_bytes()
{
    std::size_t pages = 0;
    if (std::FILE *statm = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(statm, "%zu", &pages) != 1)
            pages = 0;
        std::fclose(statm);
    }
    return pages * 4096;
}

void handler_that_helps()
{
    rlimit old, limit;
    getrlimit(RLIMIT_AS, &old);
    limit = old;
    limit.rlim_cur = address_space_bytes() + (120 << 20);
    hoard = operator new(80 << 20);
    setrlimit(RLIMIT_AS, &limit);
    failure("handler makes room", gives_up_the_hoard, [] {
        void *p = operator new(90 << 20);
        operator delete(p);
        return p;
    });
    setrlimit(RLIMIT_AS, &old);
}

} // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // a crash loses no line
    every_form();
    deleting_null();
    new_expressions();
    out_of_memory();
    handler_that_helps();
}
