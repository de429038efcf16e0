// Large pages are for large blocks that come and go and are used as a whole, where the kernel has
// some at hand; looking whether they are is harmless, whatever the program did to its pages.
#include "expect.h"
#include "hak_core.h"

#include <hakmem/hakmem.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, LARGE = 24 * MIB, SKIPPED = 77 };

// Whether the mapping with `p` in it was advised to use large pages.
static bool advised(const void *p)
{
    bool found = false, here = false;
    char line[4300];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    EXPECT(smaps != NULL, "no smaps");
    while (fgets(line, sizeof line, smaps)) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
            here = start <= (uintptr_t)p && (uintptr_t)p < end;
        found |= here && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg");
    }
    fclose(smaps);
    return found;
}

static size_t resident_mib(void)
{
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    EXPECT(statm != NULL && fscanf(statm, "%*s %zu", &pages) == 1, "no statm");
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / MIB;
}

// Whether the kernel makes large pages without being asked.  Ends the test where it makes none.
static bool host_always(void)
{
    char line[100] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (file == NULL || prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1)
        exit(SKIPPED);
    EXPECT(fgets(line, sizeof line, file) != NULL, "no line");
    fclose(file);
    if (strstr(line, "[never]") != NULL)
        exit(SKIPPED);
    return strstr(line, "[always]") != NULL;
}

// Blocks that come and go, of which the first `used` bytes are written.  Whether one of them was
// advised: the others may not be, if the kernel was slow with it.
static bool churn(size_t used)
{
    bool found = false;
    for (int i = 0; i < 4; i++) {
        char *p = hak_alloc(LARGE);
        EXPECT(p != NULL, "no memory");
        found |= advised(p);
        memset(p, 1, used);
        hak_free(p);
        hak_core_trim(); // what is kept serves as it is
    }
    return found;
}

static void a_sparse_block_stays_small(void)
{
    enum { SPARSE = 1024 * MIB };
    size_t before = resident_mib();
    char *table = hak_alloc(SPARSE);
    EXPECT(table != NULL && !advised(table), "larger than what came and went");
    for (size_t i = 0; i < SPARSE; i += 2 * MIB)
        table[i] = 1;
    EXPECT(host_always() || resident_mib() < before + 32, "%zu MiB, then %zu", before,
           resident_mib());
    hak_free(table);
    hak_core_trim();
}

static void it_is_soon_forgotten(void)
{
    churn(LARGE);
    usleep(1200 * 1000);
    char *p = hak_alloc(LARGE);
    EXPECT(p != NULL && !advised(p), "over a second later");
    hak_free(p);
    hak_core_trim();
}

static char *whole_block(void)
{
    char *p = hak_alloc(LARGE);
    EXPECT(p != NULL, "no memory");
    return memset(p, 1, LARGE);
}

static void a_child_may_free_what_the_fork_left_out(void)
{
    char *p = whole_block();
    EXPECT(madvise(p, LARGE, MADV_DONTFORK) == 0, "madvise");
    pid_t child = fork();
    EXPECT(child >= 0, "fork");
    if (child == 0) {
        hak_free(p);
        hak_core_trim();
        _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0, "status %d", status);
    hak_free(p);
    hak_core_trim();
}

static void a_protected_page_may_be_freed(void)
{
    char *p = whole_block();
    EXPECT(mprotect(p, LARGE, PROT_NONE) == 0, "mprotect");
    hak_free(p);
    hak_core_trim();
}

int main(void)
{
    (void)host_always();
    EXPECT(!churn(0) && !churn(LARGE / 2), "they are not used as a whole");
    EXPECT(churn(LARGE), "they are");
    a_sparse_block_stays_small();
    it_is_soon_forgotten();
    a_child_may_free_what_the_fork_left_out();
    a_protected_page_may_be_freed();
    return 0;
}
