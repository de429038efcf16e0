// A trim also empties the slabs that threads share: with HAKMEM_NURSERY=1 even one thread has them.
// What is nobody's does not wait in the outbox meanwhile.
#include "expect.h"
#include "hak_option.h"
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
    static char nobodys;
    hak_options.foreign_free = 0;
    hak_free(&nobodys);
    EXPECT(hak_heap_self->outbox_count == 0, "%u blocks", hak_heap_self->outbox_count);
    hak_serve_trim();
    EXPECT(hak_span_totals().chunks == 0, "%zu chunks", hak_span_totals().chunks);
    return 0;
}
