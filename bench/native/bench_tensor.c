/* Tensor kernels in GB/s (bytes read plus bytes written) beside the bandwidth of memcpy at the same size.
 *     bench_tensor [MiB per buffer] [threads]
 * The default, 1 MiB of floats, stays in the second-level or last-level cache as activations do; 64 shows memory. Each number
 * is the best of several rounds, so that a disturbed round does not count. */
#define _POSIX_C_SOURCE 200809L
#include "el_tensor.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static el_pool* pool;
static double copy_rate;

static double best_of(const el_kernel* k, const void* params, void* const* buffers, size_t copy_bytes) {
    size_t scratch = k ? el_kernel_scratch(k, params, pool ? el_pool_threads(pool) : 1) : 0;
    el_ctx ctx = {pool, scratch ? el_memory_alloc(scratch) : NULL, scratch};
    double best = INFINITY;
    int64_t runs = 1;
    el_pool_begin(pool);
    for (int round = 0; round < 10; round++) {
        double t = now();
        for (int64_t i = 0; i < runs; i++) {
            if (k) el_kernel_run(k, &ctx, params, buffers);
            else {
                memcpy(buffers[1], buffers[0], copy_bytes);
                __asm__ volatile("" ::: "memory"); /* or the compiler drops all but one */
            }
        }
        t = (now() - t) / (double)runs;
        if (round && t < best) best = t;
        if (round < 3) runs = (int64_t)(0.01 / t) + 1;
    }
    el_pool_end(pool);
    if (scratch) el_memory_free(ctx.scratch, scratch);
    return best;
}

static void row(const char* name, const char* what, const void* params, void* const* buffers, double bytes) {
    uint32_t count, isas = el_cpu_isas();
    const el_kernel* table = el_kernels(&count);
    printf("%-14s %-22s", name, what);
    for (uint32_t isa = 0; isa < 16; isa++)
        for (uint32_t i = 0; i < count; i++) {
            if (table[i].isa != isa || (isa && !(isas >> isa & 1)) || strcmp(el_kernel_name(&table[i]), name) != 0) continue;
            double rate = bytes / best_of(&table[i], params, buffers, 0) * 1e-9;
            printf("  %s %7.2f GB/s (%3.0f %%)", el_isa_name(isa), rate, rate / copy_rate * 100);
        }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char** argv) {
    size_t mib = argc > 1 ? (size_t)atoi(argv[1]) : 1;
    int32_t threads = argc > 2 ? atoi(argv[2]) : 1;
    if (mib < 1 || mib > 1024 || threads < 1) {
        fprintf(stderr, "usage: bench_tensor [MiB per buffer, 1 to 1024] [threads]\n");
        return 2;
    }
    const int64_t n = (int64_t)(mib << 18), c = 256, rows = n / c;
    const double b = 4.0 * (double)n;
    float* f[4];
    for (int i = 0; i < 4; i++) {
        f[i] = aligned_alloc(64, mib << 20);
        if (!f[i]) return 2;
        for (int64_t k = 0; k < n; k++) f[i][k] = (float)(k * 7919 % 1000) * 0.006f - 3.0f;
    }
    pool = threads > 1 ? el_pool_create(threads) : NULL;
    void* xy[] = {f[0], f[1]};
    void* aby[] = {f[0], f[1], f[2]};
    copy_rate = 2 * b / best_of(NULL, NULL, xy, (size_t)b) * 1e-9;
    printf("memcpy, one thread, %zu MiB: %.2f GB/s (100 %%); kernels on %d thread(s)\n", mib, copy_rate, (int)threads);

    const struct { const char* name; int op; el_act act; } unary[] = {
        {"relu", EL_UNARY_ACT, {EL_ACT_CLAMP, 0, INFINITY}}, {"exp", EL_UNARY_EXP, {0}}, {"log", EL_UNARY_LOG, {0}},
        {"erf", EL_UNARY_ERF, {0}}, {"sin", EL_UNARY_SIN, {0}}, {"sigmoid", EL_UNARY_ACT, {EL_ACT_SIGMOID, 0, 0}},
        {"tanh", EL_UNARY_ACT, {EL_ACT_TANH, 0, 0}}, {"gelu", EL_UNARY_ACT, {EL_ACT_GELU, 0, 0}}, {"mish", EL_UNARY_ACT, {EL_ACT_MISH, 0, 0}},
    };
    for (size_t i = 0; i < sizeof unary / sizeof unary[0]; i++) {
        el_unary_params p = {n, unary[i].op, unary[i].act};
        row("unary_f32", unary[i].name, &p, xy, 2 * b);
    }
    el_binary_params same = {.rank = 1, .op = EL_BINARY_ADD, .dims = {n}, .a_stride = {1}, .b_stride = {1}, .act = {EL_ACT_CLAMP, 0, INFINITY}};
    row("binary_f32", "add same shape, relu", &same, aby, 3 * b);
    el_binary_params scalar = {.rank = 1, .op = EL_BINARY_MUL, .dims = {n}, .a_stride = {1}, .b_stride = {0}};
    row("binary_f32", "mul scalar", &scalar, aby, 2 * b);
    el_binary_params row_vector = {.rank = 2, .op = EL_BINARY_ADD, .dims = {rows, c}, .a_stride = {c, 1}, .b_stride = {0, 1}};
    row("binary_f32", "add row vector 256", &row_vector, aby, 2 * b);
    el_binary_params middle = {.rank = 2, .op = EL_BINARY_MUL, .dims = {rows, c}, .a_stride = {c, 1}, .b_stride = {1, 0}};
    row("binary_f32", "mul column", &middle, aby, 2 * b);

    el_reduce_params last = {rows, c, 1, EL_REDUCE_SUM}, columns = {1, rows, c, EL_REDUCE_MEAN}, most = {rows, c, 1, EL_REDUCE_MAX};
    row("reduce_f32", "sum last 256", &last, xy, b);
    row("reduce_f32", "max last 256", &most, xy, b);
    row("reduce_f32", "mean of rows", &columns, xy, b);
    el_topk_params best = {rows, c, 1, 8, 0}, choice = {1, n, 1, 100, 0};
    row("topk_f32", "8 of last 256", &best, (void*[]){f[0], f[1], f[2]}, b);
    row("topk_f32", "100 of all", &choice, (void*[]){f[0], f[1], f[2]}, b);
    el_softmax_params softmax = {rows, c, 0};
    row("softmax_f32", "256", &softmax, xy, 2 * b);
    el_layer_norm_params norm = {rows, c, 1e-5f, 0};
    row("layer_norm_f32", "256", &norm, (void*[]){f[0], f[1], f[2], f[3]}, 2 * b);
    el_affine_params affine = {rows, c, {EL_ACT_CLAMP, 0, 6}}, affine3 = {n / 3, 3, {EL_ACT_NONE, 0, 0}};
    row("affine_f32", "256, relu6", &affine, (void*[]){f[0], f[1], f[2], f[3]}, 2 * b);
    row("affine_f32", "3", &affine3, (void*[]){f[0], f[1], f[2], f[3]}, 2 * b);
    el_convert_params convert = {n};
    row("f32_to_f16", "", &convert, xy, 1.5 * b);
    row("f16_to_f32", "", &convert, (void*[]){f[2], f[3]}, 1.5 * b);
    for (int s = 0; s < 4; s++) {
        const int64_t size = 1 << s, count = n * 4 / size;
        char name[16];
        snprintf(name, sizeof name, "transpose_b%d", (int)size);
        el_transpose_params to_last = {.rank = 2, .dims = {c, count / c}, .x_stride = {1, c}};
        row(name, "2-D, 256 wide", &to_last, xy, 2 * b);
    }
    el_transpose_params pixels = {.rank = 2, .dims = {n / 3, 3}, .x_stride = {1, n / 3}}, heads = {.rank = 3, .dims = {8, n / 256, 32}, .x_stride = {32, 256, 1}};
    row("transpose_b4", "3 planes to pixels", &pixels, xy, 2 * b);
    row("transpose_b4", "heads, runs of 32", &heads, xy, 2 * b);
    el_copy2d_params copy = {rows, c * 4, c * 4, c * 4 + 64, 0, 0};
    copy.rows = rows * 15 / 16;
    row("copy2d_b1", "rows of 1 KiB", &copy, xy, 2 * b * 15 / 16);
    el_pad_params pad = {.rank = 3, .x_dims = {30, n / 32 / 64, 64}, .before = {1, 0, 0}, .after = {1, 0, 0}};
    row("pad_b4", "one row each side", &pad, xy, 2 * b);
    for (int i = 0; i < 4; i++) free(f[i]);
    el_pool_destroy(pool);
    return 0;
}
