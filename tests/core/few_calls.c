// 50,000 operations of 16..1039 bytes over 256 slots, from a cold start: at most 8 memory system
// calls, and where there is one memory node one for each chunk, which forbids large pages.
#include "expect.h"
#include "hak_os_boundary.h"
#include "hak_span.h"

#include <hakmem/hakmem.h>
#include <unistd.h>

int main(void)
{
    void *slots[256] = {0};
    unsigned random = 1;
    for (int i = 0; i < 50000; i++) {
        random = random * 1103515245u + 12345u;
        unsigned slot = random >> 16 & 255;
        hak_free(slots[slot]);
        random = random * 1103515245u + 12345u;
        slots[slot] = hak_alloc(16 + (random >> 16 & 1023));
        EXPECT(slots[slot] != NULL, "operation %d", i);
    }
    struct hak_os_counts counts = hak_os_counts();
    unsigned long long calls = counts.map + counts.unmap + counts.purge + counts.resize;
    bool one_node = access("/sys/devices/system/node/node1", F_OK) != 0;
    printf("memory system calls: %llu\n", calls);
    EXPECT(calls <= (HAK_HARDENED_FULLY ? 16 : 8), // and what makes addresses inaccessible
           "%llu calls", calls);
    EXPECT(!one_node || counts.place == hak_span_totals().chunks, "%llu",
           (unsigned long long)counts.place);
    return 0;
}
