// Free of an argument of main, which lies above the stack.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

int main(int argc, char **argv)
{
    (void)argc;
    free(misused(argv[0]));
}
