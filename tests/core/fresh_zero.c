// calloc returns zeros, and does not touch memory that the kernel has just zeroed.
#include "expect.h"
#include "hak_class.h"

#include <hakmem/hakmem.h>
#include <string.h>
#include <sys/resource.h>

enum { MIB = 1024 * 1024 };

static long minor_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void check_zero(size_t bytes)
{
    unsigned char *p = hak_calloc(1, bytes);
    EXPECT(p != NULL, "%zu bytes", bytes);
    for (size_t i = 0; i < bytes; i++)
        EXPECT(p[i] == 0, "byte %zu of %zu", i, bytes);
    memset(p, 0xff, bytes);
    hak_free(p);
}

// Blocks that were never used: their pages must not be faulted in.  The blocks are kept, so that the
// next ones are fresh too.
static void check_untouched(size_t bytes, int count)
{
    long before = minor_faults();
    for (int i = 0; i < count; i++)
        EXPECT(hak_calloc(1, bytes) != NULL, "%zu bytes", bytes);
    long faults = minor_faults() - before;
    EXPECT(faults < 16 + count, "%ld faults for %d fresh blocks of %zu bytes", faults, count,
           bytes);
}

int main(void)
{
    volatile size_t huge = SIZE_MAX / 2; // volatile: the compiler would warn
    check_untouched(32 * MIB, 2);
    check_untouched(HAK_POOL_MAX_BYTES, 8);
    check_untouched(100 * 1024, 16);
    check_untouched(16 * 1024, 32);
    for (int round = 0; round < 3; round++) { // dirty, flushed and cached blocks alike
        for (size_t bytes = 1; bytes <= 2 * MIB; bytes += bytes / 7 + 1)
            check_zero(bytes);
    }
    EXPECT(hak_calloc(huge, 3) == NULL, "an overflowing product");
    return 0;
}
