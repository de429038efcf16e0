#include "hak_retain.h"
#include "hak_os_boundary.h"

enum {
    REGRET_MS = 1000, // "soon after it was given back"
    CALM_MS = 2000,   // without regret for this long, half of what was learned is forgotten
    SLACK_SHARE = 8,  // of the bound is added: no peak is like the one before to the byte
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t hak_retain_bound(struct hak_retain *retain, size_t floor_bytes)
{
    if (retain->learned_bytes != 0 && hak_os_now_ms() - retain->regret_ms > CALM_MS) {
        retain->learned_bytes /= 2;
        retain->regret_ms = hak_os_now_ms();
    }
    return larger(floor_bytes, retain->learned_bytes);
}

void hak_retain_given_back(struct hak_retain *retain, size_t bytes)
{
    retain->given_bytes += bytes;
    retain->given_ms = hak_os_now_ms();
}

bool hak_retain_needed(struct hak_retain *retain, size_t bytes, size_t floor_bytes)
{
    if (retain->given_bytes == 0 || floor_bytes == 0)
        return false;
    uint64_t now = hak_os_now_ms();
    if (now - retain->given_ms > REGRET_MS) {
        retain->given_bytes = 0;
        return false;
    }
    size_t regretted = bytes < retain->given_bytes ? bytes : retain->given_bytes;
    size_t bound = hak_retain_bound(retain, floor_bytes);
    retain->given_bytes -= regretted;
    retain->regret_bytes += regretted;
    retain->regret_ms = now;
    if (retain->regret_bytes >= bound) {
        size_t sparing = bound + larger(bound, retain->given_bytes + retain->regret_bytes);
        retain->learned_bytes = sparing + sparing / SLACK_SHARE;
        retain->regret_bytes = 0;
    }
    return true;
}

size_t hak_retain_used(struct hak_retain *retain, size_t kept_bytes, size_t least_bytes)
{
    size_t unused = retain->least_bytes < kept_bytes ? retain->least_bytes : kept_bytes;
    retain->least_bytes = kept_bytes;
    return larger(kept_bytes - unused, least_bytes);
}
