// Free of a string of the environment.
// -> invalid free of P: it is no block of hakmem's, or was freed before; HAKMEM_FOREIGN_FREE=0
//    ignores it
#include "misuse.h"

extern char **environ;

int main(void)
{
    free(misused(environ[0]));
}
