// Free of the vDSO, which the kernel maps.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

#include <sys/auxv.h>

int main(void)
{
    free(misused((void *)getauxval(AT_SYSINFO_EHDR)));
}
