// Trap 1: code that allocates before any constructor of ours has run and frees after our
// destructors. The executable's preinit array runs before the constructors of every library.
#include "trap.h"

static unsigned char *early[40];

static size_t early_bytes(int i)
{
    return (size_t)1 << (i / 2);
}

static void check_early(void)
{
    for (int i = 0; i < 40; i++)
        CHECK(early[i][0] == i && early[i][early_bytes(i) - 1] == i);
}

static void allocate_early(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    for (int i = 0; i < 40; i++) {
        CHECK(early[i] = calloc(1, early_bytes(i)));
        early[i][0] = early[i][early_bytes(i) - 1] = (unsigned char)i;
        free(malloc(early_bytes(i)));
    }
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **,
                                                                        char **) = allocate_early;

__attribute__((constructor(101))) static void reallocate_in_constructor(void)
{
    for (int i = 0; i < 40; i++)
        CHECK(early[i] = realloc(early[i], early_bytes(i) + 100));
}

__attribute__((destructor(101))) static void free_late(void)
{
    check_early();
    for (int i = 0; i < 40; i++)
        free(early[i]);
    trap_churn(1, 2000, 1 << 20);
}

static void at_exit(void)
{
    check_early();
    trap_churn(2, 2000, 1 << 20);
}

int main(void)
{
    check_early();
    atexit(at_exit);
}
