/* The thread pool: a fixed set of workers, one parallel section at a time, the caller takes part.
 *
 * A section is published by storing its description and then increasing `ticket`. Pieces are handed out by an atomic
 * counter, so a slow or descheduled worker delays nobody but itself. Between el_pool_begin and el_pool_end a worker spins a
 * bounded time for the next ticket before it sleeps on the condition variable; outside it sleeps at once. */
#define _POSIX_C_SOURCE 200809L
#include "el_kernels.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__) || defined(__i386__)
#define EL_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define EL_PAUSE() __asm__ volatile("yield")
#else
#define EL_PAUSE() ((void)0)
#endif

#define EL_SPIN 4000 /* pauses: tens of microseconds, longer than the gap between two steps */
#define EL_PIECES_PER_THREAD 4

typedef struct el_section {
    el_body_fn body;
    void* arg;
    int64_t count, piece;
} el_section;

struct el_pool {
    int32_t threads;
    pthread_t* handles;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    el_section section;
    _Alignas(64) atomic_uint ticket;  /* number of the newest section */
    _Alignas(64) atomic_llong next;   /* next unclaimed item */
    _Alignas(64) atomic_int busy;     /* workers that have not finished the newest section */
    _Alignas(64) atomic_int active;   /* inside begin/end */
    atomic_int sleepers, stop;
};

typedef struct el_worker {
    el_pool* pool;
    int32_t index;
} el_worker;

static void work(el_pool* pool, int32_t worker) {
    const el_section* s = &pool->section;
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&pool->next, s->piece, memory_order_relaxed);
        if (begin >= s->count) return;
        int64_t end = begin + s->piece < s->count ? begin + s->piece : s->count;
        s->body(s->arg, begin, end, worker);
    }
}

static void* worker_main(void* arg) {
    el_pool* pool = ((el_worker*)arg)->pool;
    int32_t index = ((el_worker*)arg)->index;
    free(arg);
    unsigned seen = 0;
    for (;;) {
        int spin = 0;
        while (atomic_load_explicit(&pool->ticket, memory_order_acquire) == seen) {
            if (atomic_load_explicit(&pool->active, memory_order_relaxed) && spin++ < EL_SPIN) {
                EL_PAUSE();
                continue;
            }
            pthread_mutex_lock(&pool->mutex);
            atomic_fetch_add(&pool->sleepers, 1);
            while (atomic_load(&pool->ticket) == seen && !atomic_load(&pool->stop))
                pthread_cond_wait(&pool->wake, &pool->mutex);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->mutex);
            if (atomic_load(&pool->stop)) return NULL;
            spin = 0;
        }
        seen++;
        work(pool, index);
        atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_release);
    }
}

el_pool* el_pool_create(int32_t threads) {
    if (threads < 1) threads = 1;
    el_pool* pool = aligned_alloc(64, (sizeof(el_pool) + 63) / 64 * 64);
    if (pool == NULL) return NULL;
    *pool = (el_pool){.threads = 1};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
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
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int32_t i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], NULL);
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

void el_parallel(const el_ctx* ctx, int64_t count, int64_t grain, el_body_fn body, void* arg) {
    if (count <= 0) return;
    el_pool* pool = ctx->pool;
    int32_t threads = el_ctx_threads(ctx);
    if (grain < 1) grain = 1;
    if (threads == 1 || count <= grain) {
        body(arg, 0, count, 0);
        return;
    }
    int64_t piece = (count + threads * EL_PIECES_PER_THREAD - 1) / (threads * EL_PIECES_PER_THREAD);
    if (piece < grain) piece = grain;
    pool->section = (el_section){body, arg, count, piece};
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, threads - 1, memory_order_relaxed);
    atomic_fetch_add(&pool->ticket, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    work(pool, 0);
    while (atomic_load_explicit(&pool->busy, memory_order_acquire) != 0) EL_PAUSE();
}
