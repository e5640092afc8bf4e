/* One row of x by a matrix of weights, as a language model reads them: float panels against weights of few bits. Microseconds per
 * product and the speed at which weights are read; the fastest of the rounds, kernels in turn.
 *
 *     bench_block_gemm [threads [k [n [rows]]]] */
#define _POSIX_C_SOURCE 200809L
#include "el_quant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void* filled(size_t bytes, int floats) {
    uint8_t* p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p) exit(2);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(i * 2654435761u >> 13);
    if (floats)
        for (size_t i = 0; i < bytes / 4; i++) ((float*)p)[i] = (float)(i % 17) * 0.125f - 1;
    return p;
}

typedef struct run {
    const char* kernel;
    int32_t bits, block, half;
    const el_kernel* found;
    void* buffers[7];
    el_block_gemm_params params;
    el_gemm_params dense;
    el_ctx ctx;
    double bytes, best;
} run;

int main(int argc, char** argv) {
    int32_t threads = argc > 1 ? atoi(argv[1]) : 1, k = argc > 2 ? atoi(argv[2]) : 4096, n = argc > 3 ? atoi(argv[3]) : 4096, m = argc > 4 ? atoi(argv[4]) : 1;
    el_pool* pool = threads > 1 ? el_pool_create(threads) : NULL;
    static run runs[] = {
        {.kernel = "gemm_f32", .bits = 32, .block = 0, .half = 0}, {.kernel = "block_gemm_f32", .bits = 8, .block = 32, .half = 1},
        {.kernel = "block_gemm_s8", .bits = 8, .block = 32, .half = 1}, {.kernel = "block_gemm_s8", .bits = 8, .block = 1 << 20, .half = 0},
        {.kernel = "block_gemm_f32", .bits = 4, .block = 32, .half = 1}, {.kernel = "block_gemm_s8", .bits = 4, .block = 32, .half = 1},
        {.kernel = "block_gemm_f32", .bits = 4, .block = 128, .half = 1}, {.kernel = "block_gemm_s8", .bits = 4, .block = 128, .half = 1},
        {.kernel = "block_gemm_f32", .bits = 3, .block = 64, .half = 1}, {.kernel = "block_gemm_s8", .bits = 3, .block = 64, .half = 1},
        {.kernel = "block_gemm_f32", .bits = 2, .block = 64, .half = 1}, {.kernel = "block_gemm_s8", .bits = 2, .block = 64, .half = 1},
    };
    enum { COUNT = sizeof runs / sizeof *runs };
    float *x = filled((size_t)m * (size_t)k * 4, 1), *y = filled((size_t)m * (size_t)n * 4, 1);
    for (int i = 0; i < COUNT; i++) {
        run* r = &runs[i];
        r->found = el_find_kernel(r->kernel, el_cpu_isas());
        size_t panels = (size_t)(n + 15) / 16, weights = panels * 16 * (size_t)k * (size_t)r->bits / 8, scales = r->block ? panels * 16 * (size_t)(r->block >= k ? 1 : k / r->block) : 0;
        r->bytes = (double)weights + (double)scales * (r->half ? 2 : 4);
        void* w = filled(weights, r->bits == 32);
        void* s = filled(scales * 4, !r->half);
        if (r->half)
            for (size_t j = 0; j < scales; j++) ((uint16_t*)s)[j] = 0x2c00;
        r->params = (el_block_gemm_params){m, n, k, r->bits, r->block, r->half, 0};
        r->dense = (el_gemm_params){m, n, k, {EL_ACT_NONE, 0, 0}};
        const void* p = r->bits == 32 ? (const void*)&r->dense : &r->params;
        void* dense[] = {x, w, NULL, NULL, NULL, y, NULL};
        void* packed[] = {x, w, s, NULL, NULL, NULL, y};
        memcpy(r->buffers, r->bits == 32 ? dense : packed, sizeof dense);
        size_t scratch = el_kernel_scratch(r->found, p, threads);
        r->ctx = (el_ctx){pool, filled(scratch, 0), scratch};
        r->best = 1e9;
    }
    el_pool_begin(pool);
    for (int round = 0; round < 25; round++)
        for (int i = 0; i < COUNT; i++) {
            run* r = &runs[i];
            double start = now();
            el_kernel_run(r->found, &r->ctx, r->bits == 32 ? (const void*)&r->dense : &r->params, r->buffers);
            double seconds = now() - start;
            if (seconds < r->best) r->best = seconds;
        }
    el_pool_end(pool);
    printf("%d rows x %d x %d, %d threads\n", m, k, n, threads);
    for (int i = 0; i < COUNT; i++)
        printf("%-16s %-10s %2d bits, blocks of %7d: %9.1f us  %6.1f GB/s  %5.2f x float\n", runs[i].kernel, el_isa_name(runs[i].found->isa), runs[i].bits, runs[i].block, runs[i].best * 1e6,
               runs[i].bytes / runs[i].best * 1e-9, runs[0].best / runs[i].best);
    return 0;
}
