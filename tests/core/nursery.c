// A trim also empties the slabs that threads share: with HAKMEM_NURSERY=1 even one thread has them.
#include "expect.h"
#include "hak_serve.h"
#include "hak_span.h"

#include <hakmem/hakmem.h>

int main(void)
{
    for (size_t bytes = 1; bytes <= 1024; bytes += 7) {
        void *p = hak_alloc(bytes);
        EXPECT(p != NULL, "%zu bytes", bytes);
        hak_free(p);
    }
    hak_serve_trim();
    EXPECT(hak_span_totals().chunks == 0, "%zu chunks", hak_span_totals().chunks);
    return 0;
}
