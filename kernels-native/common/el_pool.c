/* The thread pool: a fixed set of workers, one parallel section at a time, the caller takes part.
 *
 * A section is cut into units, and each thread that takes part is given a range of them, always the same share: what a core wrote in
 * one step it reads in the next, and neighbours stay together. A thread takes the front half of what is left of its range, then half of
 * the rest, and so on; when nothing is left it takes from the end of others' ranges in the same way. So a thread that comes late or is slower
 * than others delays a section by a small piece only.
 *
 * Each thread has a mailbox. Its 64-bit word `range` holds the section's ticket (40 bits) and begin and end of the units that nobody has taken yet
 * (12 bits each); units are taken by compare-and-swap on the whole word. So a worker that looked at a section and was then descheduled
 * cannot take units of a newer one by mistake: the ticket differs and the swap fails. What it read of the section's description in
 * between is discarded. The reverse holds too: when the swap succeeds, units were left until then, hence the section was not over
 * and no description of it was being rewritten.
 *
 * A section is over when all its units are done; nobody waits for workers that took none, so one that is still asleep delays nobody.
 *
 * After a section a worker spins a bounded time for the next one, longer between el_pool_begin and el_pool_end, before it sleeps. When the
 * process may use fewer processors than the pool has threads, nobody spins: the spinner could be holding the processor that the work needs.
 *
 * Waking costs more than a small step, and the woken one comes late. So sleepers are left alone until work enough for it has gone
 * by in this inference, or the one before had so much: models of a few microseconds run as if they had one thread.
 *
 * Whether threads help is also measured, as it depends on where the processors are (what one core wrote may take ten times as long to reach
 * another that shares no cache with it) and on who else uses them: now and then some inferences run on the caller alone, and the faster way is
 * kept.
 *
 * A child of fork has the pool but not its threads, and perhaps a mutex that one of them held: there nobody is woken or joined, and the caller takes all
 * units. */
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
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#define EL_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define EL_PAUSE() __asm__ volatile("isb" ::: "memory") /* "yield" takes no time on most cores */
#else
#define EL_PAUSE() ((void)0)
#endif

#define EL_SPIN_NS 50000   /* longer than the gap between two steps of a model */
#define EL_LINGER_NS 20000 /* longer than the gap between two inferences that follow each other */
#define EL_WORTH_WAKING 24 /* grains of work in an inference; a grain is a microsecond or two, waking a worker takes ten times that */
#define EL_TRIAL 8         /* inferences of a trial; the first half only fills caches and is not timed */
#define EL_TRIALS_FROM 32  /* inferences before the first trial, and after one that has just taken the threads away; doubled while they stay away */
#define EL_TRIAL_EVERY 512 /* inferences between trials otherwise, and the most there too */
#define EL_ADVANTAGE 32    /* the caller alone must save 1 / EL_ADVANTAGE of the time to be left alone */
#define EL_MEAN 32         /* inferences that a mean is taken of, about */
#define EL_UNITS 16        /* that each thread's range has, where there are items enough */
#define EL_MOST_UNITS 4095 /* of a section: what 12 bits hold */

typedef struct el_mailbox {
    /* The newest section that this thread was asked to join. Each field is atomic, as a late worker may read it while the next section is being
     * written; it discards then what it read. */
    _Alignas(64) _Atomic uint64_t range; /* ticket << 24 | begin << 12 | end */
    _Atomic(el_body_fn) body;
    _Atomic(void*) arg;
    _Atomic int64_t count, unit; /* items; items of a unit */
    _Atomic int32_t parts;       /* threads that take part: the caller and workers 1 .. parts - 1 */
    int32_t index;               /* of the thread */
    el_pool* pool;
    _Alignas(64) atomic_int asleep; /* on `wake` */
    pthread_cond_t wake;
} el_mailbox;

struct el_pool {
    int32_t threads;
    int spins; /* there is a processor for every thread */
    pid_t process; /* whose threads they are */
    el_mailbox* boxes; /* [threads]; 0 is the caller's */
    pthread_t* handles;
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    /* The caller's alone, down to mean_ns. */
    uint64_t ticket;     /* of the newest section */
    int64_t worth;       /* grains of work that this inference has met so far */
    int64_t least;       /* grains from which on it wakes sleeping workers: 0 where the inference before had enough for them */
    int alone;           /* whether this inference is the caller's alone */
    int32_t trial;       /* inferences left of a trial that goes on, otherwise 0 */
    int32_t until;       /* inferences until the next trial; those with too little work to wake a worker do not count */
    int32_t gap;         /* what `until` began with */
    int64_t began;       /* when this inference began, in ns; 0: it is not timed */
    int64_t mean_ns[2];  /* what an inference takes with threads [0] and alone [1]: the mean since the last trial or in it, as a thread that has to wait
                          * for its processor delays but one inference of many, that one by much */
    _Alignas(64) _Atomic uint32_t done; /* finished units of the newest section */
    _Alignas(64) atomic_int active;     /* inside begin/end */
    atomic_int waiting;                 /* the caller is on `finished` */
    atomic_int stop;
};

/* Worker index of the section that this thread is inside, or -1: a body that calls el_parallel again runs it inline. */
static _Thread_local int32_t inside = -1;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t newest(el_mailbox* box) { return atomic_load_explicit(&box->range, memory_order_acquire) >> 24; }

/* Runs units of section `ticket` until none is left to take: first of the thread's own range, then of others'. Returns how many. */
static uint32_t work(el_pool* pool, uint64_t ticket, int32_t worker) {
    el_mailbox* own = &pool->boxes[worker];
    const el_body_fn body = atomic_load_explicit(&own->body, memory_order_relaxed);
    void* const arg = atomic_load_explicit(&own->arg, memory_order_relaxed);
    const int64_t count = atomic_load_explicit(&own->count, memory_order_relaxed), unit = atomic_load_explicit(&own->unit, memory_order_relaxed);
    const int32_t parts = atomic_load_explicit(&own->parts, memory_order_relaxed);
    uint32_t finished = 0;
    for (int32_t next = worker, left = parts; left > 0; left--, next = next + 1 < parts ? next + 1 : 0) {
        _Atomic uint64_t* range = &pool->boxes[next].range;
        uint64_t seen = atomic_load_explicit(range, memory_order_acquire);
        while (seen >> 24 == ticket) {
            const uint32_t begin = seen >> 12 & EL_MOST_UNITS, end = seen & EL_MOST_UNITS, take = (end - begin + 1) / 2;
            if (take == 0) break;
            const uint64_t rest = next == worker ? seen + ((uint64_t)take << 12) : seen - take;
            if (!atomic_compare_exchange_weak_explicit(range, &seen, rest, memory_order_acq_rel, memory_order_acquire)) continue;
            const int64_t first = (next == worker ? begin : end - take) * unit, last = first + take * unit;
            inside = worker;
            body(arg, first, last < count ? last : count, worker);
            inside = -1;
            finished += take;
            seen = atomic_load_explicit(range, memory_order_acquire);
        }
    }
    return finished;
}

/* Returns the ticket of a section newer than `seen`, or 0 when the pool stops. */
static uint64_t next_section(el_pool* pool, el_mailbox* box, uint64_t seen) {
    uint64_t ticket = newest(box);
    if (ticket == seen && pool->spins) {
        int64_t start = now_ns();
        do {
            for (int i = 0; i < 32 && (ticket = newest(box)) == seen; i++) EL_PAUSE();
        } while (ticket == seen && now_ns() - start < (atomic_load_explicit(&pool->active, memory_order_relaxed) ? EL_SPIN_NS : EL_LINGER_NS));
    }
    if (ticket == seen) {
        pthread_mutex_lock(&pool->mutex);
        /* A read-modify-write before the load on both sides: either this sees the new ticket or the caller sees the sleeper. */
        atomic_exchange(&box->asleep, 1);
        while ((ticket = atomic_load(&box->range) >> 24) == seen && !atomic_load(&pool->stop)) pthread_cond_wait(&box->wake, &pool->mutex);
        atomic_store(&box->asleep, 0);
        pthread_mutex_unlock(&pool->mutex);
    }
    return atomic_load(&pool->stop) ? 0 : ticket;
}

static void* worker_main(void* arg) {
    el_mailbox* box = arg;
    el_pool* pool = box->pool;
    uint64_t ticket = 0; /* of no section */
    while ((ticket = next_section(pool, box, ticket)) != 0) {
        const uint32_t finished = work(pool, ticket, box->index);
        if (finished == 0) continue;
        atomic_fetch_add(&pool->done, finished);
        if (!atomic_load(&pool->waiting)) continue;
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->mutex);
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

/* Kernels need some kilobytes. The usual 8 MB would count where address space is limited. */
#define EL_STACK_BYTES ((size_t)1 << 20)

static int start(pthread_t* thread, void* (*body)(void*), void* argument) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    error = pthread_attr_setstacksize(&attributes, EL_STACK_BYTES);
    if (error == 0) error = pthread_create(thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    return error;
}

el_pool* el_pool_create(int32_t threads) {
    if (threads < 1) threads = 1;
    if (threads > EL_MOST_UNITS) return NULL;
    el_pool* pool = aligned_alloc(64, (sizeof(el_pool) + 63) / 64 * 64);
    if (pool == NULL) return NULL;
    *pool = (el_pool){.threads = 1, .spins = threads <= processors(), .process = getpid(), .least = EL_WORTH_WAKING, .until = EL_TRIALS_FROM, .gap = EL_TRIALS_FROM};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->boxes = aligned_alloc(64, (size_t)threads * sizeof(el_mailbox));
    pool->handles = calloc((size_t)threads, sizeof(pthread_t));
    if (pool->boxes == NULL || pool->handles == NULL) {
        el_pool_destroy(pool);
        return NULL;
    }
    for (int32_t i = 0; i < threads; i++) {
        el_mailbox* box = &pool->boxes[i];
        *box = (el_mailbox){.index = i, .pool = pool};
        if (i == 0) continue;
        pthread_cond_init(&box->wake, NULL);
        if (start(&pool->handles[i], worker_main, box) != 0) {
            pthread_cond_destroy(&box->wake);
            el_pool_destroy(pool);
            return NULL;
        }
        pool->threads = i + 1;
    }
    return pool;
}

void el_pool_destroy(el_pool* pool) {
    if (pool == NULL) return;
    if (pool->process == getpid()) {
        pthread_mutex_lock(&pool->mutex);
        atomic_store(&pool->stop, 1);
        for (int32_t i = 1; i < pool->threads; i++) pthread_cond_signal(&pool->boxes[i].wake);
        pthread_mutex_unlock(&pool->mutex);
        for (int32_t i = 1; i < pool->threads; i++) {
            pthread_join(pool->handles[i], NULL);
            pthread_cond_destroy(&pool->boxes[i].wake);
        }
        pthread_cond_destroy(&pool->finished);
        pthread_mutex_destroy(&pool->mutex);
    }
    free(pool->handles);
    free(pool->boxes);
    free(pool);
}

int32_t el_pool_threads(const el_pool* pool) { return pool ? pool->threads : 1; }

/* Ends a trial: keeps the faster way and says when the next trial comes. One that took the threads away is repeated soon: it may have come at a bad
 * moment. */
static void decide(el_pool* pool) {
    const int was_alone = !pool->alone;
    pool->alone = pool->mean_ns[1] < pool->mean_ns[0] - pool->mean_ns[0] / EL_ADVANTAGE;
    pool->gap = !pool->alone ? EL_TRIAL_EVERY : !was_alone ? EL_TRIALS_FROM : pool->gap < EL_TRIAL_EVERY ? 2 * pool->gap : EL_TRIAL_EVERY;
    pool->until = pool->gap;
}

void el_pool_begin(el_pool* pool) {
    if (!pool || pool->threads == 1) return;
    const int much = pool->alone || pool->worth >= EL_WORTH_WAKING; /* an inference alone does not count its grains */
    pool->least = much ? 0 : EL_WORTH_WAKING;
    pool->worth = pool->began = 0;
    atomic_store_explicit(&pool->active, 1, memory_order_relaxed);
    if (!much) return;
    if (pool->trial > 0) {
        if (--pool->trial == 0) decide(pool);
    } else if (--pool->until == 0) {
        pool->alone = !pool->alone;
        pool->trial = EL_TRIAL;
    }
    if (pool->trial <= EL_TRIAL / 2) pool->began = now_ns();
}

void el_pool_end(el_pool* pool) {
    if (!pool || pool->threads == 1) return;
    atomic_store_explicit(&pool->active, 0, memory_order_relaxed);
    if (pool->began == 0) return;
    const int64_t took = now_ns() - pool->began;
    int64_t* mean = &pool->mean_ns[pool->alone];
    int64_t n = pool->trial > 0 ? EL_TRIAL / 2 + 1 - pool->trial : pool->gap - pool->until; /* which of those that are timed, from 1 on */
    if (n < 1) n = 1;
    *mean += (took - *mean) / (n < EL_MEAN ? n : EL_MEAN);
}

static int some_sleep(const el_pool* pool, int32_t parts) {
    for (int32_t i = 1; i < parts; i++)
        if (atomic_load_explicit(&pool->boxes[i].asleep, memory_order_relaxed)) return 1;
    return 0;
}

int32_t el_pool_threads_for(el_pool* pool, int64_t grains) {
    const int32_t threads = grains < pool->threads ? (int32_t)grains : pool->threads;
    if (threads <= 1 || pool->alone || inside >= 0) return 1;
    pool->worth += grains;
    return pool->worth < pool->least && some_sleep(pool, threads) ? 1 : threads;
}

static void wake_workers(el_pool* pool, int32_t parts) {
    for (int32_t i = 1; i < parts; i++) {
        if (!atomic_load(&pool->boxes[i].asleep)) continue;
        if (pool->process != getpid()) return;
        /* Passing through the mutex: a worker that missed the ticket is inside the wait by now. */
        pthread_mutex_lock(&pool->mutex);
        pthread_mutex_unlock(&pool->mutex);
        pthread_cond_signal(&pool->boxes[i].wake);
    }
}

static void wait_done(el_pool* pool, uint32_t units) {
    if (atomic_load_explicit(&pool->done, memory_order_acquire) == units) return;
    if (pool->spins) {
        int64_t limit = now_ns() + EL_SPIN_NS;
        do {
            for (int i = 0; i < 32; i++) {
                if (atomic_load_explicit(&pool->done, memory_order_acquire) == units) return;
                EL_PAUSE();
            }
        } while (now_ns() < limit);
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_exchange(&pool->waiting, 1); /* an exchange for the reason given in el_parallel */
    while (atomic_load(&pool->done) != units) pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_unlock(&pool->mutex);
}

void el_parallel(const el_ctx* ctx, int64_t count, int64_t grain, el_body_fn body, void* arg) {
    if (count <= 0) return;
    el_pool* pool = ctx->pool;
    int32_t parts = el_ctx_threads(ctx);
    if (grain < 1) grain = 1;
    if (parts == 1 || count <= grain || inside >= 0) {
        body(arg, 0, count, inside >= 0 ? inside : 0);
        return;
    }
    parts = el_pool_threads_for(pool, (count - 1) / grain + 1);
    if (parts == 1) {
        body(arg, 0, count, 0);
        return;
    }
    const int64_t most = parts < EL_MOST_UNITS / EL_UNITS ? parts * EL_UNITS : EL_MOST_UNITS;
    int64_t unit = (count - 1) / most + 1;
    if (unit < grain / 4) unit = grain / 4;
    if (unit >= 64) unit = (unit + 63) / 64 * 64; /* elements: whole lines of a cache */
    const uint32_t units = (uint32_t)((count - 1) / unit + 1);
    for (int32_t i = 0; i < parts; i++) {
        el_mailbox* box = &pool->boxes[i];
        atomic_store_explicit(&box->body, body, memory_order_relaxed);
        atomic_store_explicit(&box->arg, arg, memory_order_relaxed);
        atomic_store_explicit(&box->count, count, memory_order_relaxed);
        atomic_store_explicit(&box->unit, unit, memory_order_relaxed);
        atomic_store_explicit(&box->parts, parts, memory_order_relaxed);
    }
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    const uint64_t ticket = ++pool->ticket;
    for (int32_t i = 0; i < parts; i++) {
        const uint64_t begin = ((uint64_t)units * (uint32_t)i + (uint32_t)parts - 1) / (uint32_t)parts;
        const uint64_t end = ((uint64_t)units * ((uint32_t)i + 1) + (uint32_t)parts - 1) / (uint32_t)parts;
        /* An exchange and not a store: emulators let a load pass an Armv8 store-release, and the sleeper would be missed. */
        atomic_exchange(&pool->boxes[i].range, ticket << 24 | begin << 12 | end);
    }
    wake_workers(pool, parts);
    const uint32_t own = work(pool, ticket, 0);
    wait_done(pool, units - own);
}
