// Futex locks (U. Drepper, "Futexes Are Tricky", mutex 2): 0 free, 1 held, 2 held with waiters.
#include "hak_lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    _Alignas(HAK_CACHE_LINE_BYTES) _Atomic uint32_t xstate;
} locks[HAK_LOCK_COUNT];

_Thread_local uint32_t hak_inside;

// Ranks this thread holds, one bit each; kept in debug builds only.
static _Thread_local uint32_t held_ranks;

static void note_taken(enum hak_lock rank)
{
    if (HAK_DEBUG) {
        HAK_CHECK(held_ranks >> rank == 0); // ascending rank, not recursive
        held_ranks |= 1u << rank;
    }
}

static void note_dropped(enum hak_lock rank)
{
    if (HAK_DEBUG)
        held_ranks &= ~(1u << rank);
}

static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    int saved_errno = errno;
    syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
    errno = saved_errno;
}

static bool is_mine_at_once(enum hak_lock rank)
{
    uint32_t expected = 0;
    // acquire: pairs with the release in hak_lock_drop
    return atomic_compare_exchange_strong_explicit(&locks[rank].xstate, &expected, 1,
                                                   memory_order_acquire, memory_order_relaxed);
}

static void wait_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); // waits a little; `yield` does not
#endif
}

// Looks again for about as long as the lock is mostly held, which is less than to sleep and wake.
static bool is_mine_soon(enum hak_lock rank)
{
    enum { LOOKS = 30 };
    for (unsigned i = 0; i < LOOKS; i++) {
        wait_a_little();
        if (atomic_load_explicit(&locks[rank].xstate, memory_order_relaxed) == 0 &&
            is_mine_at_once(rank))
            return true;
    }
    return false;
}

void hak_lock_take(enum hak_lock rank)
{
    hak_inside_begin();
    if (!is_mine_at_once(rank) && !is_mine_soon(rank)) {
        while (atomic_exchange_explicit(&locks[rank].xstate, 2, memory_order_acquire) != 0)
            futex(&locks[rank].xstate, FUTEX_WAIT, 2);
    }
    note_taken(rank);
}

bool hak_lock_try(enum hak_lock rank)
{
    hak_inside_begin();
    if (!is_mine_at_once(rank)) {
        hak_inside_end();
        return false;
    }
    note_taken(rank);
    return true;
}

void hak_lock_drop(enum hak_lock rank)
{
    note_dropped(rank);
    if (atomic_exchange_explicit(&locks[rank].xstate, 0, memory_order_release) == 2)
        futex(&locks[rank].xstate, FUTEX_WAKE, 1);
    hak_inside_end();
}

void hak_lock_take_all(void)
{
    for (unsigned rank = 0; rank < HAK_LOCK_COUNT; rank++)
        hak_lock_take((enum hak_lock)rank);
}

void hak_lock_drop_all(void)
{
    for (unsigned rank = HAK_LOCK_COUNT; rank-- > 0;)
        hak_lock_drop((enum hak_lock)rank);
}
