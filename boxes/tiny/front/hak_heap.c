// The life of heaps.
#include "hak_bell.h"
#include "hak_front.h"
#include "hak_lock.h"
#include "hak_meta.h"
#include "hak_nursery.h"
#include "hak_option.h"
#include "hak_os_boundary.h"
#include "hak_prewarm.h"
#include "hak_sweep.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

// Where threads come and go, each finds the slabs that it needs in the heap of an ended one.
enum { WARM_HEAPS = 4 }; // idle heaps that keep an empty slab of a class

const struct hak_heap hak_heap_none;
_Thread_local struct hak_heap *hak_heap_self = HAK_HEAP_NONE;

// Under HAK_LOCK_HEAPS.
static struct hak_heap *all_heaps;
static struct hak_heap *idle_heaps; // the last one idled first: its memory is warm
static unsigned warm_count;         // of them
static size_t unswept_bytes;        // of all idle heaps
static uint32_t owners;

static _Atomic uint32_t xbound_heaps; // relaxed: it orders nothing

static pthread_key_t exit_key;
static bool exit_key_made;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

static void thread_exits(void *heap);

static void make_exit_key(void)
{
    exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0;
}

// glibc's hook for C++ thread_local destructors, and what identifies this library to it.
__attribute__((weak)) int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

// Arranges for thread_exits to run.  Keys are better, because they run last; but they can run out.
static void watch_thread(struct hak_heap *heap)
{
    pthread_once(&exit_key_once, make_exit_key);
    if (exit_key_made && pthread_setspecific(exit_key, heap) == 0)
        return;
    if (__cxa_thread_atexit_impl != NULL)
        (void)__cxa_thread_atexit_impl(thread_exits, heap, &__dso_handle);
}

// Whether others freed blocks of an idle heap, or it waits to be tidied since before `unswept_ms`.
static bool needs_care_locked(const struct hak_heap *heap, uint64_t unswept_ms)
{
    bool is_untidy = heap->unswept_bytes != 0 || heap->is_warm;
    return hak_remote_pending(&heap->owner) || (is_untidy && heap->unswept_ms < unswept_ms);
}

// Takes the first idle heap out of the list, or the first that needs care.
static struct hak_heap *take_idle(bool any, uint64_t unswept_ms)
{
    hak_lock_take(HAK_LOCK_HEAPS);
    struct hak_heap **link = &idle_heaps;
    while (*link != NULL && !any && !needs_care_locked(*link, unswept_ms))
        link = &(*link)->next_idle;
    struct hak_heap *heap = *link;
    if (heap != NULL) {
        *link = heap->next_idle;
        heap->state = HAK_HEAP_BOUND;
        warm_count -= heap->is_warm;
        unswept_bytes -= heap->unswept_bytes;
    }
    hak_lock_drop(HAK_LOCK_HEAPS);
    return heap;
}

uint32_t hak_heap_new_tag(void)
{
    uint32_t tag = 0;
    hak_lock_take(HAK_LOCK_HEAPS);
    if (owners + 1 < HAK_ENTRY_OWNERS)
        tag = ++owners << HAK_ENTRY_OWNER_SHIFT;
    hak_lock_drop(HAK_LOCK_HEAPS);
    return tag;
}

static struct hak_heap *make_heap(void)
{
    struct hak_heap *heap = hak_meta_alloc(sizeof *heap);
    if (heap == NULL)
        return NULL;
    heap->owner.slabs.tag = hak_heap_new_tag();
    if (heap->owner.slabs.tag == 0)
        return NULL;
    heap->state = HAK_HEAP_BOUND;
    hak_lock_take(HAK_LOCK_HEAPS);
    heap->next = all_heaps;
    all_heaps = heap;
    hak_lock_drop(HAK_LOCK_HEAPS);
    return heap;
}

static struct hak_heap *take_or_make(void)
{
    struct hak_heap *heap = take_idle(true, 0);
    if (heap == NULL)
        heap = make_heap();
    if (heap == NULL)
        return NULL;
    hak_heap_enter(heap);
    hak_remote_drain(&heap->owner);
    hak_heap_leave(heap);
    heap->slow_events = 0;
    heap->nursery_frees = 0;
    return heap;
}

struct hak_heap *hak_heap_bind(void)
{
    hak_inside_begin();
    struct hak_heap *heap = hak_heap_self;
    bool has_one = hak_heap_is_bound(heap); // a signal handler came before us
    if (!has_one && (heap = take_or_make()) != NULL)
        hak_heap_self = heap;
    hak_inside_end();
    if (heap == NULL || has_one)
        return heap;
    atomic_fetch_add_explicit(&xbound_heaps, 1, memory_order_relaxed);
    watch_thread(heap); // may allocate, from the heap that works by now
    if (HAK_PREWARM)
        hak_prewarm(heap);
    return heap;
}

// How often the calling thread has ended: once a round of key destructors, if those allocate again.
static _Thread_local unsigned ends;

bool hak_heap_is_last(void)
{
    return ends >= PTHREAD_DESTRUCTOR_ITERATIONS;
}

void hak_heap_end(void)
{
    thread_exits(hak_heap_self);
}

// What runs at a thread's end frees a little: that is not worth a heap.
struct hak_heap *hak_heap_for_frees(void)
{
    static _Thread_local unsigned frees;
    enum { FREES_OF_A_CONSUMER = 32 };
    if (ends > 0 || ++frees < FREES_OF_A_CONSUMER)
        return HAK_HEAP_NONE;
    int saved_errno = errno;
    struct hak_heap *heap = hak_heap_bind();
    errno = saved_errno;
    return heap != NULL ? heap : HAK_HEAP_NONE;
}

static void idle_locked(struct hak_heap *heap)
{
    heap->state = HAK_HEAP_IDLE;
    heap->next_idle = idle_heaps;
    idle_heaps = heap;
    warm_count += heap->is_warm;
    unswept_bytes += heap->unswept_bytes;
}

static void give_idle(struct hak_heap *heap)
{
    hak_lock_take(HAK_LOCK_HEAPS);
    idle_locked(heap);
    hak_lock_drop(HAK_LOCK_HEAPS);
}

unsigned hak_heaps_bound(void)
{
    return atomic_load_explicit(&xbound_heaps, memory_order_relaxed);
}

size_t hak_heap_unswept_bytes(void)
{
    hak_lock_take(HAK_LOCK_HEAPS);
    size_t bytes = unswept_bytes;
    hak_lock_drop(HAK_LOCK_HEAPS);
    return bytes;
}

static bool may_be_warm(void)
{
    hak_lock_take(HAK_LOCK_HEAPS);
    bool may = warm_count < WARM_HEAPS;
    hak_lock_drop(HAK_LOCK_HEAPS);
    return may;
}

// Pre: the heap is the caller's, its bins are empty.
static void settle(struct hak_heap *heap)
{
    struct hak_slab_owner *slabs = &heap->owner.slabs;
    hak_remote_drain(&heap->owner);
    heap->is_warm = may_be_warm();
    if (!heap->is_warm)
        hak_slab_trim(slabs);
    if (hak_sweep_due(slabs))
        (void)hak_sweep(slabs);
    heap->unswept_bytes = slabs->free_bytes - slabs->sweep.settled_free_bytes;
    heap->unswept_ms = hak_os_now_ms();
}

static void tidy(struct hak_heap *heap)
{
    hak_front_tidy(heap);
    heap->is_warm = false;
    heap->unswept_bytes = 0;
}

static void care_for_idle(void (*care)(struct hak_heap *), uint64_t unswept_ms)
{
    for (struct hak_heap *heap; (heap = take_idle(false, unswept_ms)) != NULL; give_idle(heap)) {
        hak_heap_enter(heap);
        care(heap);
        hak_heap_leave(heap);
    }
}

void hak_heap_tidy_idle(uint64_t rest_ms)
{
    uint64_t now = hak_os_now_ms();
    care_for_idle(tidy, now >= rest_ms ? now - rest_ms + 1 : 0);
}

// A thread ends: its cached blocks go back to their slabs, its heap to the next thread.
// Destructors that run after this one may allocate: they bind a heap anew and this runs again, in
// as many rounds as there are.
static void thread_exits(void *argument)
{
    struct hak_heap *heap = argument;
    if (HAK_PREWARM)
        hak_prewarm_learn(heap);
    hak_heap_enter(heap);
    hak_front_empty(heap);
    settle(heap);
    hak_heap_leave(heap);
    hak_heap_self = HAK_HEAP_NONE;
    ends++;
    uint32_t left = atomic_fetch_sub_explicit(&xbound_heaps, 1, memory_order_relaxed) - 1;
    give_idle(heap);
    care_for_idle(settle, 0);
    hak_nursery_drain();
    if (left <= 1) // a janitor may have to end
        hak_bell_ring();
}

// The thread may have vanished in the middle of a cache hit.
static void mend_bins(struct hak_heap *heap)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++) {
        struct hak_bin *bin = &heap->bins[size_class];
        if (hak_bin_cached(bin) == 0)
            bin->newest = NULL;
    }
}

void hak_heap_after_fork(void)
{
    for (struct hak_heap *heap = all_heaps; heap != NULL; heap = heap->next) {
        if (heap->state != HAK_HEAP_BOUND || heap == hak_heap_self)
            continue;
        if (hak_heap_is_busy(heap)) {
            heap->state = HAK_HEAP_ABANDONED;
        } else {
            mend_bins(heap);
            idle_locked(heap);
        }
    }
    atomic_store_explicit(&xbound_heaps, hak_heap_is_bound(hak_heap_self), memory_order_relaxed);
}

static void check_bin(const struct hak_heap *heap, unsigned size_class)
{
    const struct hak_bin *bin = &heap->bins[size_class];
    unsigned cached = hak_bin_cached(bin);
    HAK_CHECK(bin->top <= bin->limit && (bin->newest == NULL) == (cached == 0));
    if (bin->slots == 0)
        return;
    void *const *array = bin->limit - bin->slots;
    HAK_CHECK(array[0] == NULL && array[-1] == NULL);
    for (unsigned i = 1; i <= cached; i++) {
        unsigned index;
        void *block = i < cached ? array[i] : bin->newest;
        const struct hak_slab *slab = hak_front_locate(block, &index);
        HAK_CHECK(slab->size_class == size_class);
        // Another owner's bitmap may change meanwhile.
        if (slab->owner == &heap->owner.slabs && hak_slab_is_free(slab, index))
            hak_panic("double free of", block, "it is in its slab and in the thread's cache");
    }
}

void hak_heap_check(const struct hak_heap *heap)
{
    for (unsigned size_class = 0; size_class < HAK_CLASS_COUNT; size_class++)
        check_bin(heap, size_class);
    hak_slab_owner_check(&heap->owner.slabs);
    HAK_CHECK(heap->outbox_count <= HAK_OUTBOX_SLOTS);
}
