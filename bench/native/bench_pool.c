/* bench_pool: what sharing a step costs. For steps of growing work, time of a run of some of them on one thread and on several, least of many:
 * runs back to back, and runs with a pause before each, after which the workers are asleep. The loss of a step is its time less a perfect
 * share of its work. Work is arithmetic in registers, so it is the pool alone that shows. usage: bench_pool [threads] */
#define _POSIX_C_SOURCE 200809L
#include "el_kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 8
#define ITEMS 64

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef struct work {
    int64_t rounds; /* of an item */
    uint64_t sink[ITEMS][8];
} work;

static void body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    work* w = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        uint64_t x = (uint64_t)i;
        for (int64_t r = 0; r < w->rounds; r++) x = x * 6364136223846793005u + 1442695040888963407u;
        w->sink[i][0] = x;
    }
}

/* Least time of a run, in ns. */
static double measure(const el_ctx* ctx, work* w, int runs, int pause_us) {
    double least = 1e30;
    for (int i = 0; i < runs; i++) {
        if (pause_us) nanosleep(&(struct timespec){0, pause_us * 1000}, NULL);
        double start = now_ns();
        if (ctx->pool) el_pool_begin(ctx->pool);
        for (int s = 0; s < STEPS; s++) el_parallel(ctx, ITEMS, 1, body, w);
        if (ctx->pool) el_pool_end(ctx->pool);
        double time = now_ns() - start;
        if (time < least) least = time;
    }
    return least;
}

int main(int argc, char** argv) {
    int32_t threads = argc > 1 ? atoi(argv[1]) : 2;
    el_pool* pool = el_pool_create(threads);
    if (threads < 2 || !pool) return fprintf(stderr, "usage: bench_pool [threads, 2 or more]\n"), 1;
    el_ctx alone = {0}, shared = {.pool = pool};
    static work w;
    printf("%d threads, %d steps a run\n   ns of a step  back to back: ns  speed-up  loss ns   after a pause: ns  speed-up\n", threads, STEPS);
    for (int64_t rounds = 4; rounds <= 8192; rounds *= 2) {
        w.rounds = rounds;
        int runs = rounds <= 256 ? 20000 : 2000;
        double one = measure(&alone, &w, 1000, 0) / STEPS, hot = measure(&shared, &w, runs, 0) / STEPS, cold = measure(&shared, &w, 200, 300) / STEPS;
        printf("%15.0f %17.0f %9.2f %8.0f %18.0f %9.2f\n", one, hot, one / hot, hot - one / threads, cold, one / cold);
    }
    el_pool_destroy(pool);
    return 0;
}
