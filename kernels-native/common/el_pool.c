/* The thread pool: a fixed set of workers, one parallel section at a time, the caller takes part.
 *
 * A section is cut into pieces. One 64-bit word, `claim`, holds the section's ticket (48 bits) and how many of its pieces are
 * unclaimed (16 bits); a thread takes a piece by compare-and-swap on the whole word. So a worker that looked at a section
 * and was then descheduled cannot take a piece of a newer one by mistake: the ticket differs and the swap fails. What it
 * read of the section's description in between is discarded. The reverse holds too: when the swap succeeds, a piece was
 * unclaimed until then, hence the section was not over and its description was not being rewritten.
 *
 * A section is over when `done` pieces are finished; nobody waits for workers that took none, so one that is still asleep
 * delays nobody.
 *
 * Between el_pool_begin and el_pool_end a worker spins a bounded time for the next ticket before it sleeps; outside it sleeps
 * at once. When the process may use fewer processors than the pool has threads, nobody spins: the spinner could be holding
 * the processor that the work needs. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#else
#define _POSIX_C_SOURCE 200809L
#endif
#include "el_kernels.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define EL_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define EL_PAUSE() __asm__ volatile("isb" ::: "memory") /* "yield" takes no time on most cores */
#else
#define EL_PAUSE() ((void)0)
#endif

#define EL_SPIN_NS 50000 /* longer than the gap between two steps of a model */
#define EL_PIECES_PER_THREAD 4
#define EL_MAX_THREADS (65535 / EL_PIECES_PER_THREAD)

struct el_pool {
    int32_t threads;
    int spins; /* there is a processor for every thread */
    pthread_t* handles;
    pthread_mutex_t mutex;
    pthread_cond_t wake, finished;
    uint64_t ticket; /* of the newest section; the caller's */
    /* The newest section. Atomic because a late worker may read it while the next one is written (and then discards it). */
    _Alignas(64) _Atomic(el_body_fn) body;
    _Atomic(void*) arg;
    _Atomic int64_t count, piece;
    _Atomic uint32_t pieces;
    _Alignas(64) _Atomic uint64_t claim; /* ticket << 16 | unclaimed pieces */
    _Alignas(64) _Atomic uint32_t done;  /* finished pieces of the newest section */
    _Alignas(64) atomic_int active;      /* inside begin/end */
    atomic_int sleepers;                 /* workers on `wake` */
    atomic_int waiting;                  /* the caller is on `finished` */
    atomic_int stop;
};

typedef struct el_worker {
    el_pool* pool;
    int32_t index;
} el_worker;

/* Worker index of the section that this thread is inside, or -1: a body that calls el_parallel again runs it inline. */
static _Thread_local int32_t inside = -1;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Runs pieces of section `ticket` until none is left to claim. Returns 1 when it finished the section's last piece. */
static int work(el_pool* pool, uint64_t ticket, int32_t worker) {
    uint32_t finished = 0, pieces = 0;
    uint64_t claim = atomic_load_explicit(&pool->claim, memory_order_acquire);
    while (claim >> 16 == ticket && (claim & 0xFFFF) != 0) {
        uint32_t section_pieces = atomic_load_explicit(&pool->pieces, memory_order_relaxed);
        el_body_fn body = atomic_load_explicit(&pool->body, memory_order_relaxed);
        void* arg = atomic_load_explicit(&pool->arg, memory_order_relaxed);
        int64_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
        int64_t piece = atomic_load_explicit(&pool->piece, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&pool->claim, &claim, claim - 1, memory_order_acq_rel, memory_order_acquire))
            continue;
        pieces = section_pieces;
        int64_t begin = (section_pieces - (int64_t)(claim & 0xFFFF)) * piece, end = count - begin < piece ? count : begin + piece;
        inside = worker;
        body(arg, begin, end, worker);
        inside = -1;
        finished++;
        claim = atomic_load_explicit(&pool->claim, memory_order_acquire);
    }
    return finished != 0 && atomic_fetch_add(&pool->done, finished) + finished == pieces;
}

static uint64_t newest(el_pool* pool) { return atomic_load_explicit(&pool->claim, memory_order_acquire) >> 16; }

/* Returns the ticket of a section newer than `seen`, or 0 when the pool stops. */
static uint64_t next_section(el_pool* pool, uint64_t seen) {
    uint64_t ticket = newest(pool);
    if (ticket == seen && pool->spins && atomic_load_explicit(&pool->active, memory_order_relaxed)) {
        int64_t limit = now_ns() + EL_SPIN_NS;
        do {
            for (int i = 0; i < 32 && (ticket = newest(pool)) == seen; i++) EL_PAUSE();
        } while (ticket == seen && atomic_load_explicit(&pool->active, memory_order_relaxed) && now_ns() < limit);
    }
    if (ticket == seen) {
        pthread_mutex_lock(&pool->mutex);
        atomic_fetch_add(&pool->sleepers, 1);
        /* A read-modify-write before the load on both sides: either this sees the new ticket or the caller sees the sleeper. */
        while ((ticket = atomic_load(&pool->claim) >> 16) == seen && !atomic_load(&pool->stop))
            pthread_cond_wait(&pool->wake, &pool->mutex);
        atomic_fetch_sub(&pool->sleepers, 1);
        pthread_mutex_unlock(&pool->mutex);
    }
    return atomic_load(&pool->stop) ? 0 : ticket;
}

static void* worker_main(void* arg) {
    el_pool* pool = ((el_worker*)arg)->pool;
    int32_t index = ((el_worker*)arg)->index;
    free(arg);
    uint64_t ticket = 1; /* what el_pool_create starts from: no section */
    while ((ticket = next_section(pool, ticket)) != 0) {
        if (work(pool, ticket, index) && atomic_load(&pool->waiting)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
    return NULL;
}

/* Processors that this process may run on. */
static int32_t processors(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    return INT32_MAX;
}

el_pool* el_pool_create(int32_t threads) {
    if (threads < 1) threads = 1;
    if (threads > EL_MAX_THREADS) return NULL;
    el_pool* pool = aligned_alloc(64, (sizeof(el_pool) + 63) / 64 * 64);
    if (pool == NULL) return NULL;
    *pool = (el_pool){.threads = 1, .spins = threads <= processors(), .ticket = 1};
    atomic_store(&pool->claim, (uint64_t)1 << 16);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->handles = calloc((size_t)threads, sizeof(pthread_t));
    if (pool->handles == NULL) {
        el_pool_destroy(pool);
        return NULL;
    }
    for (int32_t i = 1; i < threads; i++) {
        el_worker* w = malloc(sizeof *w);
        if (w != NULL) *w = (el_worker){pool, i};
        if (w == NULL || pthread_create(&pool->handles[i], NULL, worker_main, w) != 0) {
            free(w);
            el_pool_destroy(pool);
            return NULL;
        }
        pool->threads = i + 1;
    }
    return pool;
}

void el_pool_destroy(el_pool* pool) {
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, 1);
    atomic_store(&pool->active, 0);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int32_t i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->handles);
    free(pool);
}

int32_t el_pool_threads(const el_pool* pool) { return pool ? pool->threads : 1; }

void el_pool_begin(el_pool* pool) {
    if (pool && pool->threads > 1) atomic_store_explicit(&pool->active, 1, memory_order_relaxed);
}

void el_pool_end(el_pool* pool) {
    if (pool && pool->threads > 1) atomic_store_explicit(&pool->active, 0, memory_order_relaxed);
}

/* Wakes as many sleeping workers as there are pieces that the caller does not take first. */
static void wake_workers(el_pool* pool, uint32_t pieces) {
    int sleepers = atomic_load(&pool->sleepers);
    if (sleepers == 0) return;
    /* Passing through the mutex: a worker that missed the ticket is inside the wait by now. */
    pthread_mutex_lock(&pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    if ((uint32_t)sleepers < pieces) pthread_cond_broadcast(&pool->wake);
    else
        for (uint32_t i = 1; i < pieces; i++) pthread_cond_signal(&pool->wake);
}

static void wait_done(el_pool* pool, uint32_t pieces) {
    if (atomic_load_explicit(&pool->done, memory_order_acquire) == pieces) return;
    if (pool->spins) {
        int64_t limit = now_ns() + EL_SPIN_NS;
        do {
            for (int i = 0; i < 32; i++) {
                if (atomic_load_explicit(&pool->done, memory_order_acquire) == pieces) return;
                EL_PAUSE();
            }
        } while (now_ns() < limit);
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_exchange(&pool->waiting, 1); /* an exchange for the reason given in el_parallel */
    while (atomic_load(&pool->done) != pieces) pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_unlock(&pool->mutex);
}

void el_parallel(const el_ctx* ctx, int64_t count, int64_t grain, el_body_fn body, void* arg) {
    if (count <= 0) return;
    el_pool* pool = ctx->pool;
    int32_t threads = el_ctx_threads(ctx);
    if (grain < 1) grain = 1;
    if (threads == 1 || count <= grain || inside >= 0) {
        body(arg, 0, count, inside >= 0 ? inside : 0);
        return;
    }
    int64_t most = (int64_t)threads * EL_PIECES_PER_THREAD;
    int64_t piece = count / most + (count % most != 0);
    if (piece < grain) piece = grain;
    uint32_t pieces = (uint32_t)(count / piece + (count % piece != 0));
    atomic_store_explicit(&pool->body, body, memory_order_relaxed);
    atomic_store_explicit(&pool->arg, arg, memory_order_relaxed);
    atomic_store_explicit(&pool->count, count, memory_order_relaxed);
    atomic_store_explicit(&pool->piece, piece, memory_order_relaxed);
    atomic_store_explicit(&pool->pieces, pieces, memory_order_relaxed);
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    uint64_t ticket = ++pool->ticket;
    /* An exchange and not a store: emulators let a load pass an Armv8 store-release, and the sleeper would be missed. */
    atomic_exchange(&pool->claim, ticket << 16 | pieces);
    wake_workers(pool, pieces);
    work(pool, ticket, 0);
    wait_done(pool, pieces);
}
