// What every libc allocation name does, one observation a line: "entry<TAB>what was seen".
// Run on glibc and on hakmem; compare_api.py wants the same lines. Entries that begin with "ext "
// are names glibc 2.36 lacks: they print "ok", a complaint, or "absent".
#include "api_test.h"

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // a crash loses no line
    every_allocator_every_size();
    products_that_overflow();
    zero_and_null();
    odd_alignments();
    posix_memalign_arguments();
    every_power_of_two();
    aligned_blocks_live_on();
    malloc_alignment();
    realloc_contents();
    calloc_after_dirt();
    ext_frees();
    ext_reallocarr();
    reports_and_knobs();
}
