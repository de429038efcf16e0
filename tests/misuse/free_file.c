// Free of a mapped file.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

#include <fcntl.h>
#include <sys/mman.h>

int main(void)
{
    int file = open("/proc/self/exe", O_RDONLY);
    free(misused(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0)));
}
