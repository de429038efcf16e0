#include "hak_guarded.h"
#include "hak_line.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_random.h"
#include "hak_trace.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLOTS = 256, TRIES = 8, BLOCK_ALIGNMENT = 16, SLACK_BYTE = 0xa5 };

enum state { FREE, BUSY, LIVE };

struct slot {
    _Atomic unsigned xstate; // enum state; who makes it BUSY has the rest to itself
    size_t bytes;
    char *block; // NULL: never used
    struct hak_trace allocated, freed;
};

static char *pool; // NULL: nothing is sampled
static struct slot slots[SLOTS];
static _Atomic unsigned xnext;
static struct sigaction previous;

static char *page_of(const struct slot *slot)
{
    return pool + (size_t)(2 * (slot - slots) + 1) * hak_os_page_bytes();
}

bool hak_guarded_owns(const void *p)
{
    return pool != NULL && (size_t)((const char *)p - pool) < (2 * SLOTS + 1) * hak_os_page_bytes();
}

// The slot that `p` points into, or ran out of: blocks are overrun more often than underrun.
static struct slot *slot_near(const void *p)
{
    size_t page = (size_t)((const char *)p - pool) / hak_os_page_bytes();
    struct slot *slot = slots + (page > 0 ? (page - 1) / 2 : 0);
    bool next_is_nearer = page % 2 == 0 && slot->block == NULL && page < 2 * (size_t)SLOTS;
    return next_is_nearer ? slots + page / 2 : slot;
}

static bool enter(struct slot *slot, unsigned from)
{
    return atomic_compare_exchange_strong_explicit(&slot->xstate, &from, BUSY, memory_order_acquire,
                                                   memory_order_relaxed);
}

static void leave(struct slot *slot, unsigned to) // pairs with the acquire in enter
{
    atomic_store_explicit(&slot->xstate, to, memory_order_release);
}

// One request in HAKMEM_SAMPLE on average, at intervals that nobody can foresee.
static bool is_due(void)
{
    static _Thread_local uint32_t left;
    if (left == 0)
        left = 1 + hak_random_below(2 * (uint32_t)hak_options.sample - 1);
    return --left == 0;
}

static struct slot *take_slot(void)
{
    for (unsigned i = 0; i < TRIES; i++) {
        unsigned next = atomic_fetch_add_explicit(&xnext, 1, memory_order_relaxed);
        if (enter(&slots[next % SLOTS], FREE))
            return &slots[next % SLOTS];
    }
    return NULL;
}

static size_t slack_bytes(const struct slot *slot)
{
    return (size_t)(page_of(slot) + hak_os_page_bytes() - (slot->block + slot->bytes));
}

void *hak_guarded_alloc(size_t bytes)
{
    size_t page_bytes = hak_os_page_bytes();
    if (pool == NULL || bytes > page_bytes || !is_due())
        return NULL;
    struct slot *slot = take_slot();
    if (slot == NULL)
        return NULL;
    if (!hak_os_protect(page_of(slot), page_bytes, true)) {
        leave(slot, FREE);
        return NULL;
    }
    slot->bytes = bytes;
    slot->block = page_of(slot) + page_bytes - hak_round_up(bytes > 0 ? bytes : 1, BLOCK_ALIGNMENT);
    memset(slot->block + bytes, SLACK_BYTE, slack_bytes(slot));
    hak_trace_take(&slot->allocated);
    leave(slot, LIVE);
    return slot->block;
}

static void emit_callers(const struct slot *slot)
{
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: callers near the allocation:");
    hak_line_emit(&line);
    hak_trace_emit(&slot->allocated);
    if (atomic_load_explicit(&slot->xstate, memory_order_relaxed) == LIVE)
        return;
    line.length = 0;
    hak_line_add(&line, "hakmem: callers near the free:");
    hak_line_emit(&line);
    hak_trace_emit(&slot->freed);
}

_Noreturn static void report_pointer(const struct slot *slot, const void *p, const char *what,
                                     const char *what_if_freed)
{
    if (slot->block != NULL)
        emit_callers(slot);
    if (slot->block == p)
        hak_panic(what_if_freed, p, "it was freed before, by the callers above");
    hak_panic(what, p, "it is not the start of the block that the callers above allocated");
}

size_t hak_guarded_usable(const void *p, const char *what, const char *what_if_freed)
{
    const struct slot *slot = slot_near(p);
    if (atomic_load_explicit(&slot->xstate, memory_order_acquire) != LIVE || slot->block != p)
        report_pointer(slot, p, what, what_if_freed);
    return slot->bytes;
}

void hak_guarded_free(void *p)
{
    struct slot *slot = slot_near(p);
    if (slot->block != p || !enter(slot, LIVE))
        report_pointer(slot, p, "invalid free of", "double free of");
    const char *slack = slot->block + slot->bytes;
    for (size_t i = slack_bytes(slot); i > 0; i--) {
        if (HAK_UNLIKELY((unsigned char)slack[i - 1] != SLACK_BYTE)) {
            leave(slot, LIVE);
            emit_callers(slot);
            hak_panic("write past the end of", p, "the callers above allocated it");
        }
    }
    hak_trace_take(&slot->freed);
    (void)hak_os_protect(page_of(slot), hak_os_page_bytes(), false);
    if (hak_os_purge(page_of(slot), hak_os_page_bytes()))
        leave(slot, FREE); // else it stays BUSY for good: a new page has to be zero
}

static void report(const char *at)
{
    const struct slot *slot = slot_near(at);
    struct hak_line line = {.length = 0};
    bool live = atomic_load_explicit(&slot->xstate, memory_order_acquire) == LIVE;
    bool before = at < slot->block;
    hak_line_add(&line, live ? "hakmem: access outside a block at " : "hakmem: use after free at ");
    hak_line_add_hex(&line, (uintptr_t)at);
    hak_line_add(&line, ": byte ");
    hak_line_add(&line, before ? "-" : "");
    hak_line_add_decimal(&line, (uint64_t)(before ? slot->block - at : at - slot->block));
    hak_line_add(&line, " of a block of ");
    hak_line_add_decimal(&line, slot->bytes);
    hak_line_emit(&line);
    emit_callers(slot);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code > 0 && hak_guarded_owns(info->si_addr) &&
        slot_near(info->si_addr)->block != NULL)
        report(info->si_addr);
    sigaction(number, &previous, NULL);
    if (info->si_code <= 0) // somebody sent it; a fault comes again by itself
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
}

void hak_guarded_start(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (hak_options.sample == 0)
        return;
    char *reserved = hak_os_reserve((2 * SLOTS + 1) * hak_os_page_bytes(), false);
    if (reserved != NULL && sigaction(SIGSEGV, &action, &previous) == 0)
        pool = reserved;
}
