/* The thread pool: every item exactly once, worker numbers unique and in range, sections back to back, workers asleep,
 * sections inside sections, pools made and destroyed. Run it under the thread sanitizer too (-DEL_SANITIZE=thread). */
#define _GNU_SOURCE
#include "el_kernels.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ITEMS 5000
static int failures;
#define CHECK(x, ...) do { if (!(x)) { failures++; fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

typedef struct {
    const el_ctx* ctx;
    int64_t count, grain;
    int32_t threads;
    int nested;
    uint8_t touched[MAX_ITEMS]; /* not atomic: a piece given out twice is a race that the sanitizer sees */
    atomic_int in_use[16];      /* per worker number */
    atomic_int bad, small, inner;
} section;

static void inner_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    section* s = arg;
    atomic_fetch_add(&s->inner, (int)(end - begin));
}

static void body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    section* s = arg;
    if (worker < 0 || worker >= s->threads || begin < 0 || end > s->count || begin >= end) { atomic_store(&s->bad, 1); return; }
    if (atomic_fetch_add(&s->in_use[worker], 1) != 0) atomic_store(&s->bad, 2);
    if (end - begin < s->grain / 4 && end != s->count) atomic_store(&s->small, 1);
    for (int64_t i = begin; i < end; i++) s->touched[i]++;
    if (s->nested) el_parallel(s->ctx, 10, 1, inner_body, s);
    atomic_fetch_sub(&s->in_use[worker], 1);
}

static section shared;

static void run_section(const el_ctx* ctx, int64_t count, int64_t grain, int nested) {
    section* s = &shared;
    s->ctx = ctx, s->count = count, s->grain = grain, s->nested = nested;
    s->threads = el_ctx_threads(ctx);
    memset(s->touched, 0, (size_t)count);
    atomic_store(&s->bad, 0), atomic_store(&s->small, 0), atomic_store(&s->inner, 0);
    el_parallel(ctx, count, grain, body, s);
    int wrong = 0;
    for (int64_t i = 0; i < count; i++) wrong += s->touched[i] != 1;
    CHECK(wrong == 0, "count %lld grain %lld: %d items not run exactly once", (long long)count, (long long)grain, wrong);
    CHECK(!atomic_load(&s->bad), "count %lld: worker number or range wrong (%d)", (long long)count, atomic_load(&s->bad));
    CHECK(!atomic_load(&s->small), "count %lld grain %lld: a piece is smaller than a quarter of the grain", (long long)count, (long long)grain);
    if (nested) CHECK(atomic_load(&s->inner) % 10 == 0 && atomic_load(&s->inner) > 0, "nested section: %d items", atomic_load(&s->inner));
}

static void test_sections(int32_t threads) {
    el_pool* pool = el_pool_create(threads);
    CHECK(pool != NULL, "el_pool_create(%d)", threads);
    if (!pool) return;
    el_ctx ctx = {.pool = pool};
    CHECK(el_pool_threads(pool) == threads, "threads");
    for (int bracket = 0; bracket < 2; bracket++) {
        if (bracket) el_pool_begin(pool);
        for (int i = 0; i < 4000; i++) run_section(&ctx, 1 + i % 37, 1 + i % 3, 0);
        for (int i = 0; i < 100; i++) run_section(&ctx, 1 + i * 49 % MAX_ITEMS, 1 + i % 70, i % 2);
        run_section(&ctx, 0, 1, 0);
        run_section(&ctx, MAX_ITEMS, 0, 0);
        if (bracket) el_pool_end(pool);
    }
    /* Inferences with pauses: workers fall asleep between and inside them. */
    for (int i = 0; i < 100; i++) {
        el_pool_begin(pool);
        run_section(&ctx, 64, 1, 0);
        if (i % 2) nanosleep(&(struct timespec){0, 200000}, NULL);
        run_section(&ctx, 64, 1, 1);
        el_pool_end(pool);
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    el_pool_destroy(pool);
}

/* Pieces of one section that end only when two threads are inside at one time. */
typedef struct { atomic_int started; } rendezvous;
static void meet(void* arg, int64_t begin, int64_t end, int32_t worker) {
    rendezvous* r = arg;
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&r->started, 1);
        while (atomic_load(&r->started) < 2) sched_yield(); /* passes only when two threads are inside at one time */
    }
}

static void nothing(void* arg, int64_t begin, int64_t end, int32_t worker) { (void)arg, (void)begin, (void)end, (void)worker; }

static void note(void* arg, int64_t begin, int64_t end, int32_t worker) {
    int32_t* by = arg;
    for (int64_t i = begin; i < end; i++) by[i] = worker;
}

/* An inference of little work leaves sleeping workers alone, for as many inferences as you like; one of much work wakes them. */
static void test_little_work(void) {
    el_pool* pool = el_pool_create(2);
    el_ctx ctx = {.pool = pool};
    int32_t by[2];
    nanosleep(&(struct timespec){0, 20000000}, NULL); /* the worker sleeps */
    for (int i = 0; i < 2000; i++) {
        el_pool_begin(pool);
        for (int step = 0; step < 4; step++) {
            el_parallel(&ctx, 2, 1, note, by);
            CHECK(by[0] == 0 && by[1] == 0, "inference %d of little work woke a worker", i);
        }
        el_pool_end(pool);
    }
    for (int i = 0; i < 2; i++) {
        rendezvous r = {0};
        el_pool_begin(pool);
        if (i == 1) el_parallel(&ctx, 2, 1, meet, &r); /* returns only when somebody came */
        for (int step = 0; step < 30; step++) el_parallel(&ctx, 2, 1, note, by);
        el_pool_end(pool);
    }
    el_pool_destroy(pool);
}

/* Items that take a second thread much longer. */
static void slow_for_workers(void* arg, int64_t begin, int64_t end, int32_t worker) {
    if (worker != 0) atomic_fetch_add((atomic_int*)arg, 1);
    nanosleep(&(struct timespec){0, (worker == 0 ? 20000 : 1000000) * (long)(end - begin)}, NULL);
}

/* Where threads make it slower the caller is soon left alone, but for a trial now and then. */
static void test_trials(void) {
    el_pool* pool = el_pool_create(2);
    el_ctx ctx = {.pool = pool};
    atomic_int by_worker = 0;
    for (int i = 0; i < 85; i++) {
        if (i == 43) {
            CHECK(atomic_load(&by_worker) > 0, "no worker was asked at first");
            atomic_store(&by_worker, 0);
        }
        if (i == 70) CHECK(atomic_load(&by_worker) == 0, "a worker that is no help was asked %d times", atomic_load(&by_worker));
        el_pool_begin(pool);
        el_parallel(&ctx, 32, 1, slow_for_workers, &by_worker);
        el_pool_end(pool);
    }
    CHECK(atomic_load(&by_worker) > 0, "the worker was not tried again");
    el_pool_destroy(pool);
}

typedef struct delayed {
    int inference;
    atomic_int by_worker;
} delayed;

/* Items that a second thread halves the time of, but in each fourth inference, where its first takes longer than all. */
static void delayed_by_worker(void* arg, int64_t begin, int64_t end, int32_t worker) {
    delayed* d = arg;
    const int late = worker != 0 && d->inference % 4 == 3 && atomic_load(&d->by_worker) == 0;
    if (worker != 0) atomic_fetch_add(&d->by_worker, 1);
    nanosleep(&(struct timespec){0, late ? 100000000 : 200000 * (long)(end - begin)}, NULL);
}

/* Threads that are faster in most inferences but not on the whole are left out, too. */
static void test_delays(void) {
    el_pool* pool = el_pool_create(2);
    el_ctx ctx = {.pool = pool};
    delayed d = {0};
    int asked = 0;
    for (; d.inference < 72; d.inference++) {
        atomic_store(&d.by_worker, 0);
        el_pool_begin(pool);
        el_parallel(&ctx, 32, 1, delayed_by_worker, &d);
        el_pool_end(pool);
        if (d.inference >= 43) asked += atomic_load(&d.by_worker);
    }
    CHECK(asked == 0, "a worker that delays a fourth of all inferences was asked %d times", asked);
    el_pool_destroy(pool);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double process_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(int32_t threads) {
    el_pool* pool = el_pool_create(threads);
    if (!pool) return;
    el_ctx ctx = {.pool = pool};
    const int n = 20000;
    el_pool_begin(pool);
    double t0 = seconds();
    for (int i = 0; i < n; i++) el_parallel(&ctx, threads * 4, 1, nothing, NULL);
    double hot = (seconds() - t0) / n;
    el_pool_end(pool);
    t0 = seconds();
    for (int i = 0; i < n / 10; i++) el_parallel(&ctx, threads * 4, 1, nothing, NULL);
    double cold = (seconds() - t0) / (n / 10);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    double c0 = process_seconds();
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    double idle = process_seconds() - c0;
    printf("threads %d: empty section %.0f ns inside begin/end, %.0f ns outside; idle workers use %.3f %% of a processor\n",
           threads, hot * 1e9, cold * 1e9, idle / 0.1 * 100);
    CHECK(idle < 0.05, "idle workers burn %.3f s in 0.1 s", idle);
    el_pool_destroy(pool);
}

/* A child of fork has none of the pool's threads, whatever they were about to do: a section runs on the caller, and the pool can be destroyed. The
 * thread sanitizer allows no threads there, and qemu-user ends with an assertion of its own. */
static void test_fork(void) {
#if !defined(__SANITIZE_THREAD__)
    if (getenv("EL_EMULATED") != NULL) {
        puts("fork is not tested under qemu");
        return;
    }
    el_pool* pool = el_pool_create(4);
    el_ctx ctx = {.pool = pool};
    for (int i = 0; i < 200; i++) {
        el_pool_begin(pool);
        run_section(&ctx, 1000, 1, 0);
        el_pool_end(pool);
        nanosleep(&(struct timespec){0, i % 20 * 5000}, NULL); /* when workers go to sleep */
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            el_pool_begin(pool);
            for (int k = 0; k < 3; k++) run_section(&ctx, 1000, 1, k);
            el_pool_end(pool);
            el_pool_destroy(pool);
            ctx.pool = el_pool_create(3);
            run_section(&ctx, 1000, 1, 0);
            el_pool_destroy(ctx.pool);
            _exit(failures != 0);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d of fork: status %x", i, (unsigned)status);
        if (status != 0) break;
    }
    el_pool_destroy(pool);
#endif
}

int main(void) {
    run_section(&(el_ctx){0}, 100, 1, 1);
    CHECK(el_pool_threads(NULL) == 1, "NULL pool");
    el_pool_begin(NULL), el_pool_end(NULL), el_pool_destroy(NULL);
    for (int32_t threads = 1; threads <= 4; threads++) test_sections(threads);
    test_little_work();
    test_trials();
    test_delays();
    test_fork();
    CHECK(el_pool_create(1 << 20) == NULL, "a pool of a million threads");
    for (int i = 0; i < 300; i++) {
        el_pool* pool = el_pool_create(1 + i % 4);
        CHECK(pool != NULL, "el_pool_create");
        el_ctx ctx = {.pool = pool};
        if (i % 3) run_section(&ctx, 50, 1, 0);
        el_pool_destroy(pool);
    }
    el_pool* pool = el_pool_create(2);
    el_ctx ctx = {.pool = pool};
    el_parallel(&ctx, 1000, 1, nothing, NULL); /* work enough to wake somebody for the next two pieces */
    for (int i = 0; i < 50; i++) {
        rendezvous r = {0};
        el_parallel(&ctx, 2, 1, meet, &r);
        if (i % 5 == 0) nanosleep(&(struct timespec){0, 300000}, NULL);
    }
    el_pool_destroy(pool);
    for (int32_t threads = 1; threads <= 4; threads++) measure(threads);
#if defined(__linux__)
    /* One allowed processor: nobody may spin, everything still works. */
    cpu_set_t set, one;
    sched_getaffinity(0, sizeof set, &set);
    CPU_ZERO(&one);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &set)) { CPU_SET(c, &one); break; }
    if (sched_setaffinity(0, sizeof one, &one) == 0) {
        printf("on one processor:\n");
        test_sections(3);
        measure(3);
        sched_setaffinity(0, sizeof set, &set);
    }
#endif
    printf("test_pool: %d failures\n", failures);
    return failures != 0;
}
