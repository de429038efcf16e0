// Double free of a block that was handed out again in between: its new owner frees last.
#include <stdlib.h>

int main(void)
{
    void *p = malloc(40), *q;
    free(p);
    q = malloc(40);
    free(p);
    free(q);
}
