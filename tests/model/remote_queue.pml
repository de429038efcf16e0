/* The life of a slab between threads, as coded in boxes/remote_queue/bitmap_mpsc, boxes/slab and
 * boxes/tiny/front/hak_heap.c.  The step names P1..P3, D1..D3 are those of the code.
 *
 *   heap user   binds an idle heap or makes one; makes slabs, hands out blocks, takes some back,
 *               drains, releases, in any order and number; gives the heap up; binds one again, or
 *               ends.  This covers the owner, its exit, the adopter, and the visitor of idle heaps.
 *   freer       frees live blocks of any slab as a foreign thread does, one or more at a time.
 *   init        when all have ended: one drain of each heap must bring every block home.
 *
 * One step here is one memory access there, as far as another thread can tell.  What a lock guards
 * is one step.  Where the code follows a policy (which slab, which idle heap, keep or release an
 * empty slab) the model takes any choice.  A slab's span is not told apart from its descriptor: the
 * protocol never touches the span.  Words of a bitmap share one pin and nothing else, so there is
 * one.  Nothing bounds the number of operations; SLABS, BLOCKS, FREERS and USERS bound the state.
 *
 * Weak memory: steps interleave here as if every access were seq_cst.  P1, P2, D2 and D3 are, and
 * so is the opening of a new slab's pin; they are all that threads race for, but for the inbox and
 * R. The inbox is one atomic, and so is the pin that R contends for with P2: on one object, all
 * threads agree on one order.  What is plain there has one user at a time, and is handed over by a
 * release that an acquire pairs with: `inbox_next` by P3 to D1, `owner` and `inbox_next` by D2 to
 * P2, free bitmaps by the lock of heaps, descriptors by the lock of their pool.  Steps in the
 * wrong order, as weaker memory orders would allow, are among the seeded bugs (BITS_BEFORE_UNPIN,
 * PIN_BEFORE_BITS).
 *
 * Not in the model: fork, where freers may vanish between two steps; misuse; the `locked` queue.
 *
 * BUG_* names seed one mistake each, which the checker must find.
 */
#ifndef SLABS
#define SLABS 2
#endif
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef FREERS
#define FREERS 2
#endif
#ifndef USERS
#define USERS 2
#endif
#define HEAPS USERS /* each user may need one of its own */
#define ALL ((1 << BLOCKS) - 1)
#define NONE 7

#define OPEN 0 /* as in fresh memory */
#define PINNED 1
#define CLOSED 2

typedef slab_type {
    unsigned pin : 2;
    unsigned owner : 3;
    unsigned next : 3;      /* inbox_next */
    unsigned free : BLOCKS; /* the two bitmaps */
    unsigned remote : BLOCKS;
    /* What no thread knows, for the assertions. */
    unsigned live : BLOCKS; /* blocks with a user */
    bit alive;
    bit pooled;
    bit announced; /* from P2 to D2 */
};

typedef heap_type {
    unsigned inbox : 3;
    bit idle; /* or not yet made */
};

slab_type slabs[SLABS];
heap_type heaps[HEAPS];
byte running_users = USERS;
byte running_freers = FREERS;

#define S slabs[slab]
#define H heaps[heap]

/* Each block is in one place at most; blocks of one slab only move while it exists. */
inline check()
{
    assert(S.alive);
    assert((S.free & S.remote) == 0 && (S.free & S.live) == 0 && (S.remote & S.live) == 0);
}

/* Any i below COUNT <= 2 for which CONDITION(i) holds; waits for one. */
#define ANY(i, COUNT, CONDITION)                                                                   \
    if                                                                                             \
    :: CONDITION(0) -> i = 0                                                                       \
    :: COUNT > 1 && CONDITION(COUNT - 1) -> i = COUNT - 1                                          \
    fi

#define IDLE(i) (heaps[i].idle)
#define POOLED(i) (slabs[i].pooled)
#define LIVE(i) (slabs[i].live != 0)
#define MINE(i) (slabs[i].alive && slabs[i].owner == heap)
#define MINE_FREE(i) (MINE(i) && slabs[i].free != 0)
#define MINE_LIVE(i) (MINE(i) && slabs[i].live != 0)
#define MINE_EMPTY(i) (MINE(i) && slabs[i].free == ALL)

inline any_bits(from)
{
    if
    :: (from & 1) != 0 -> bits = 1
    :: (from & 2) != 0 -> bits = 2
    :: from == 3 -> bits = 3
    fi
}

/* --- a thread that frees other threads' blocks: hak_remote_put */

inline set_bits() /* P1 */
{
    check();
    S.remote = S.remote | bits;
    S.live = S.live & ~bits;
    bits = 0
}

inline announce() /* P3 */
{
#ifndef BUG_OWNER_BEFORE_PIN
    heap = S.owner;
#endif
    head = H.inbox;
    do
    :: S.next = head;
#ifdef BUG_PUSH_WITHOUT_CAS
       H.inbox = slab;
       break
#else
       if
       :: atomic { H.inbox == head -> H.inbox = slab }
          break
       :: atomic { H.inbox != head -> head = H.inbox }
       fi
#endif
    od
}

/* P2 and P3.  Nothing to announce when another thread has the pin, or the slab is gone. */
inline pin_and_announce()
{
    if
    :: S.pin == OPEN ->
#ifdef BUG_OWNER_BEFORE_PIN
       heap = S.owner;
#endif
       if
       :: atomic { S.pin == OPEN -> S.pin = PINNED; assert(S.alive); S.announced = true }
          announce()
       :: S.pin != OPEN
       fi
    :: S.pin != OPEN
    fi
}

proctype freer()
{
    byte slab = 0, bits = 0, heap = 0, head = 0;
    do
    :: atomic {
           ANY(slab, SLABS, LIVE);
           any_bits(S.live);
#ifndef BUG_PIN_BEFORE_BITS
           set_bits();
       }
       pin_and_announce();
#else
           S.live = S.live & ~bits;
       }
       pin_and_announce();
       atomic { set_bits() }
#endif
       atomic { slab = 0; heap = 0; head = 0 }
    :: atomic { running_users == 0 && !LIVE(0) && !LIVE(SLABS - 1) -> break }
    od;
    running_freers--
}

/* --- what the thread that uses a heap does with its slabs */

inline new_slab() /* hak_slab_new */
{
    atomic { ANY(slab, SLABS, POOLED); S.pooled = false } /* hak_meta_take */
#ifdef BUG_OPEN_BEFORE_OWNER
    S.pin = OPEN;
#endif
    S.owner = heap;
    d_step {
        S.free = ALL;
        S.remote = 0;
        S.alive = true;
        S.pin = OPEN; /* last: a late P2 may succeed now */
    }
}

inline hand_out()
{
    atomic {
        ANY(slab, SLABS, MINE_FREE);
        any_bits(S.free);
        check();
        S.free = S.free & ~bits;
        S.live = S.live | bits;
        check();
        bits = 0
    }
}

inline put() /* hak_slab_put */
{
    assert((S.free & bits) == 0);
    S.free = S.free | bits;
    check();
    bits = 0
}

inline free_own()
{
    atomic {
        ANY(slab, SLABS, MINE_LIVE);
        any_bits(S.live);
        S.live = S.live & ~bits;
        put()
    }
}

inline close_pin()
{
    S.pin = CLOSED;
    assert(S.alive && S.free == ALL && S.remote == 0 && S.live == 0);
    assert(!S.announced);
    S.alive = false
}

/* release.  Giving back the registry entries and the span is no step: no thread looks at them. */
inline release()
{
    if
#ifdef BUG_RELEASE_WHILE_ANNOUNCED
    :: atomic { close_pin() }
       S.pooled = true /* hak_meta_give */
#else
    :: atomic {
           S.pin == OPEN -> close_pin();
#ifdef BUG_NO_CLOSED_STATE
           S.pin = OPEN
#endif
       }
       S.pooled = true
    :: S.pin != OPEN
#endif
    fi
}

inline settle()
{
    if
    :: S.free == ALL -> release()
    :: true /* kept */
    fi
}

inline trim() /* one slab of hak_slab_trim */
{
    ANY(slab, SLABS, MINE_EMPTY);
    release()
}

inline unpin() /* D2 */
{
#ifndef BUG_NEXT_AFTER_UNPIN
    next = S.next;
#endif
    d_step { S.pin = OPEN; S.announced = false }
#ifdef BUG_NEXT_AFTER_UNPIN
    next = S.next;
#endif
}

inline take_bits() /* D3 */
{
    if
    :: S.remote == 0
    :: else ->
       d_step { bits = S.remote; S.remote = 0 }
       d_step { put() }
    fi
}

inline drain_slab()
{
    assert(S.alive && S.owner == heap && S.pin == PINNED);
#ifdef BUG_BITS_BEFORE_UNPIN
    take_bits();
    unpin();
#else
    unpin();
    take_bits();
#endif
    settle();
    atomic { slab = next; next = 0 }
}

inline drain_inbox() /* hak_remote_drain */
{
    atomic { H.inbox != NONE -> slab = H.inbox; H.inbox = NONE } /* D1 */
    do
    :: slab != NONE -> drain_slab()
    :: else -> slab = 0; break
    od
}

/* --- heaps: hak_heap_bind, thread_exits, care_for_idle */

inline bind()
{
    atomic {
        ANY(heap, HEAPS, IDLE);
        H.idle = false
    }
}

proctype user()
{
    byte heap = NONE, slab = 0, bits = 0, next = 0;
    do
    :: heap == NONE -> bind()
    :: heap == NONE -> break
    :: heap != NONE ->
       if
       :: new_slab()
       :: hand_out()
       :: free_own()
       :: drain_inbox()
       :: trim()
       :: atomic { H.idle = true; heap = NONE }
       fi;
       slab = 0
    od;
    running_users--
}

inline expect_all_home()
{
    slab = 0;
    do
    :: slab < SLABS ->
       assert(S.remote == 0 && S.live == 0 && !S.announced);
       assert(S.alive -> S.free == ALL : S.pooled);
       slab++
    :: else -> break
    od
}

init
{
    byte heap = 0, slab = 0, bits = 0, next = 0;
    atomic {
        do
        :: slab < SLABS -> S.pooled = true; slab++
        :: else -> slab = 0; break
        od;
        do
        :: heap < HEAPS -> H.inbox = NONE; H.idle = true; run user(); heap++
        :: else -> heap = 0; break
        od;
        do
        :: bits < FREERS -> run freer(); bits++
        :: else -> bits = 0; break
        od
    }
    running_users == 0 && running_freers == 0;
    do
    :: heap < HEAPS && H.inbox != NONE -> drain_inbox()
    :: heap < HEAPS && H.inbox == NONE -> heap++
    :: else -> break
    od;
    atomic { expect_all_home() }
}
