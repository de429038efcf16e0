// Double free of a small aligned block.
// arguments: 64 128 256 512 1024
// -> double free of P: freed twice without an allocation between; run with AddressSanitizer
// -> [debug-1] double free of P: it is in the thread's cache already
#include "misuse.h"

int main(int argc, char **argv)
{
    void *p;
    if (argc != 2 || posix_memalign(&p, strtoul(argv[1], NULL, 10), 100) != 0)
        return 1;
    free(misused(p));
    free(p);
}
