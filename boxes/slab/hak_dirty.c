#include "hak_dirty.h"
#include "hak_option.h"
#include "hak_os_boundary.h"

enum {
    REGRET_MS = 1000, // "soon after it was given back"
    CALM_MS = 2000,   // without regret for this long, half of what was learned is forgotten
};

static size_t learned_bytes;
static size_t regret_bytes; // needed again too soon, since the bound last grew
static size_t given_bytes;  // given back lately and not needed again
static uint64_t given_ms;   // when memory was last given back
static uint64_t regret_ms;  // when it was last needed again too soon, or half was forgotten

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t hak_dirty_bound(size_t live_bytes)
{
    if (learned_bytes != 0 && hak_os_now_ms() - regret_ms > CALM_MS) {
        learned_bytes /= 2;
        regret_ms = hak_os_now_ms();
    }
    size_t floor = (size_t)hak_options.dirty_mib * 1024 * 1024;
    size_t share = live_bytes / 100 * (size_t)hak_options.dirty_percent;
    return larger(larger(floor, share), learned_bytes);
}

void hak_dirty_given_back(size_t bytes)
{
    given_bytes += bytes;
    given_ms = hak_os_now_ms();
}

void hak_dirty_needed(size_t bytes, size_t live_bytes)
{
    if (given_bytes == 0)
        return;
    uint64_t now = hak_os_now_ms();
    if (now - given_ms > REGRET_MS) {
        given_bytes = 0;
        return;
    }
    size_t regretted = bytes < given_bytes ? bytes : given_bytes;
    given_bytes -= regretted;
    regret_bytes += regretted;
    regret_ms = now;
    size_t bound = hak_dirty_bound(live_bytes);
    if (regret_bytes >= bound) {
        learned_bytes = 2 * bound;
        regret_bytes = 0;
    }
}
