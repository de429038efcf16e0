// For coverage builds: what a process has counted is written before it aborts or leaves by _exit,
// which gcc's run time does at a normal exit only.
#include <stdatomic.h>

void __gcov_dump(void);
_Noreturn void __real_abort(void);
_Noreturn void __real__exit(int status);

static void dump_once(void)
{
    static atomic_flag dumped = ATOMIC_FLAG_INIT; // dumping may fail, and so come here again
    if (!atomic_flag_test_and_set(&dumped))
        __gcov_dump();
}

__attribute__((visibility("hidden"))) _Noreturn void __wrap_abort(void)
{
    dump_once();
    __real_abort();
}

__attribute__((visibility("hidden"))) _Noreturn void __wrap__exit(int status)
{
    dump_once();
    __real__exit(status);
}
