/* Float kernels in GFLOP/s (a multiply-add counts as two) and as a share of the multiply-add peak measured in the same run.
 *     bench_kernels [threads] [filter]
 * Shapes: square products, the layers of ViT-B, ResNet-50 and MobileNet, attention products. Each number is the best of several
 * rounds after one warm-up, so that a disturbed round does not count. */
#define _POSIX_C_SOURCE 200809L
#include "el_kernels.h"
#include "el_nn.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_peak_avx2(void), bench_peak_avx512(void), bench_peak_neon(void);

static int32_t threads = 1;

/* One thread is timed by the processor time it got, so that other programs on the machine do not count. */
static double now(void) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char* filter = "";
static el_pool* pool;
static double peaks[16];

static float* floats(size_t count, float range) {
    float* x = aligned_alloc(64, (count * sizeof(float) + 127) / 64 * 64);
    if (!x) exit(2);
    uint32_t s = 12345;
    for (size_t i = 0; i < count; i++) {
        s = s * 1664525u + 1013904223u;
        x[i] = range * ((float)(s >> 8) * 0x1p-23f - 1.0f);
    }
    return x;
}

static double measure(const el_kernel* k, const void* params, void* const* buffers, double flop) {
    size_t bytes = el_kernel_scratch(k, params, threads);
    el_ctx ctx = {pool, aligned_alloc(64, (bytes + 127) / 64 * 64), bytes, NULL};
    if (!ctx.scratch) exit(2);
    double best = INFINITY;
    int64_t runs = 1;
    el_pool_begin(pool);
    el_kernel_run(k, &ctx, params, buffers);
    for (int round = 0; round < 40; round++) {
        double t = now();
        for (int64_t i = 0; i < runs; i++) el_kernel_run(k, &ctx, params, buffers);
        t = (now() - t) / (double)runs;
        if (t < best) best = t;
        if (round < 2) runs = (int64_t)(0.003 / best) + 1;
    }
    el_pool_end(pool);
    free(ctx.scratch);
    return flop / best * 1e-9;
}

static void row(const char* name, const char* shape, const void* params, void* const* buffers, double flop) {
    char title[160];
    snprintf(title, sizeof title, "%s %s", name, shape);
    if (!strstr(title, filter)) return;
    uint32_t count, isas = el_cpu_isas();
    const el_kernel* table = el_kernels(&count);
    printf("%-52s", title);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(el_kernel_name(&table[i]), name) || table[i].isa == EL_ISA_scalar || !(isas >> table[i].isa & 1)) continue;
        double g = measure(&table[i], params, buffers, flop);
        printf("  %s %8.1f (%3.0f%%) %8.2f us", el_isa_name(table[i].isa), g, 100 * g / (peaks[table[i].isa] * threads), flop / g * 1e-3);
    }
    printf("\n");
    fflush(stdout);
}

static void gemm(int64_t m, int32_t n, int32_t k) {
    el_gemm_params p = {m, n, k, {EL_ACT_CLAMP, 0, INFINITY}};
    void* b[6] = {floats((size_t)m * k, 1), floats((size_t)(n + 15) / 16 * 16 * k, 1), floats(n, 1), NULL, NULL, floats((size_t)m * n, 1)};
    char shape[64];
    snprintf(shape, sizeof shape, "m%d n%d k%d", (int)m, n, k);
    row("gemm_f32", shape, &p, b, 2.0 * m * n * k);
    const el_kernel* direct = el_find_kernel("gemm_f32__direct", el_cpu_isas());
    if (direct && el_kernel_scratch(direct, &p, threads) != EL_NO_FORM) row("gemm_f32__direct", shape, &p, b, 2.0 * m * n * k);
    for (int i = 0; i < 6; i++) free(b[i]);
}

static void conv_act(const char* name, int32_t h, int32_t c, int32_t oc, int32_t k, int32_t stride, int32_t groups, el_act act) {
    int transposed = strcmp(name, "conv_transpose_f32") == 0, pad = transposed ? (k - stride + 1) / 2 : k / 2;
    int32_t oh = transposed ? h * stride : (h + 2 * pad - k) / stride + 1;
    el_conv_params p = {1, h, h, c, oh, oh, oc, k, k, stride, stride, 1, 1, pad, pad, groups, act};
    size_t ys = (size_t)oh * oh * oc, weights = (size_t)groups * ((oc / groups + 15) / 16 * 16) * k * k * (c / groups);
    void* b[6] = {floats((size_t)h * h * c, 1), floats(weights, 1), floats(oc, 1), NULL, act.kind == EL_ACT_PRELU ? floats(oc, 1) : NULL, floats(ys, 1)};
    char shape[64];
    snprintf(shape, sizeof shape, "%dx%dx%d->%d %dx%d s%d g%d%s", h, h, c, oc, k, k, stride, groups, act.kind == EL_ACT_PRELU ? " prelu" : act.kind == EL_ACT_SILU ? " silu" : "");
    double positions = transposed ? (double)h * h : (double)oh * oh;
    row(name, shape, &p, b, 2.0 * positions * oc * k * k * (c / groups));
    for (int i = 0; i < 6; i++) free(b[i]);
}

static void conv(const char* name, int32_t h, int32_t c, int32_t oc, int32_t k, int32_t stride, int32_t groups) {
    conv_act(name, h, c, oc, k, stride, groups, (el_act){EL_ACT_CLAMP, 0, INFINITY});
}

static void matmul(int32_t batch, int32_t m, int32_t n, int32_t k, int32_t trans_b) {
    el_matmul_params p = {.batch = {1, 1, 1, batch}, .a_stride = {0, 0, 0, (int64_t)m * k}, .b_stride = {0, 0, 0, (int64_t)n * k},
                          .m = m, .n = n, .k = k, .trans_b = trans_b, .alpha = 1};
    void* b[3] = {floats((size_t)batch * m * k, 1), floats((size_t)batch * n * k, 1), floats((size_t)batch * m * n, 1)};
    char shape[64];
    snprintf(shape, sizeof shape, "batch %d m%d n%d k%d%s", batch, m, n, k, trans_b ? " b^T" : "");
    row("matmul_f32", shape, &p, b, 2.0 * batch * m * n * k);
    for (int i = 0; i < 3; i++) free(b[i]);
}

static void pooling(int32_t h, int32_t c, int32_t k, int32_t stride) {
    int32_t pad = k == 3 ? 1 : 0, oh = (h + 2 * pad - k) / stride + 1;
    el_pool_params p = {1, h, h, c, oh, oh, k, k, stride, stride, 1, 1, pad, pad, pad, pad, 0, {EL_ACT_NONE, 0, 0}};
    void* b[2] = {floats((size_t)h * h * c, 1), floats((size_t)oh * oh * c, 1)};
    char shape[64];
    snprintf(shape, sizeof shape, "%dx%dx%d %dx%d s%d", h, h, c, k, k, stride);
    row("max_pool_f32", shape, &p, b, (double)oh * oh * c * k * k);
    row("avg_pool_f32", shape, &p, b, (double)oh * oh * c * k * k);
    free(b[0]);
    free(b[1]);
}

static void recurrent(const char* name, int32_t steps, int32_t hidden) {
    int32_t gates = strcmp(name, "lstm_f32") ? 3 : 4, width = (hidden + 15) / 16 * 16;
    el_recurrent_params p = {steps, 1, hidden, 1, 0, 0};
    void* b[8] = {floats((size_t)steps * width * gates, 1), floats((size_t)width * hidden * gates, 0.1f), NULL, NULL, NULL,
                  floats((size_t)steps * hidden, 1), NULL, NULL};
    char shape[64];
    snprintf(shape, sizeof shape, "steps %d hidden %d", steps, hidden);
    row(name, shape, &p, b, 2.0 * steps * hidden * hidden * gates);
    free(b[0]), free(b[1]), free(b[5]);
}

/* s new tokens of `heads` query heads, `group` of them to a key head, of d numbers, over t keys. As in a language model they are causal and heads lie
 * apart; as in an encoder (causal 0) every token sees every key and the heads of a token lie side by side. */
static void attention(int32_t heads, int32_t group, int32_t s, int32_t t, int32_t d, int causal) {
    const int64_t width = (int64_t)heads * d, key_width = width / group;
    el_attention_params p = {.batch = 1, .heads = heads, .s = s, .t = t, .d = d, .e = d, .scale = 1 / sqrtf((float)d), .group = group,
                             .first = t - s, .left = EL_ALL_KEYS, .right = causal ? 0 : EL_ALL_KEYS, .hidden_is_zero = causal};
    const int64_t apart[2][3] = {{0, (int64_t)s * d, d}, {0, (int64_t)t * d, d}}, beside[2][3] = {{0, d, width}, {0, d, key_width}};
    memcpy(p.q, causal ? apart[0] : beside[0], sizeof p.q), memcpy(p.y, p.q, sizeof p.y);
    memcpy(p.k, causal ? apart[1] : beside[1], sizeof p.k), memcpy(p.v, p.k, sizeof p.v);
    size_t queries = (size_t)(s * width), keys = (size_t)(t * key_width);
    void* b[6] = {floats(queries, 1), floats(keys, 1), floats(keys, 1), NULL, NULL, floats(queries, 1)};
    char shape[64];
    snprintf(shape, sizeof shape, "heads %d/%d s%d t%d d%d%s", heads, group, s, t, d, causal ? " causal" : "");
    row("attention_f32", shape, &p, b, 4.0 * heads * s * (causal ? t - (s - 1) / 2.0 : t) * d);
    free(b[0]), free(b[1]), free(b[2]), free(b[5]);
}

int main(int argc, char** argv) {
    /* A first argument that is no number is the filter. */
    char* end = NULL;
    long count = argc > 1 ? strtol(argv[1], &end, 10) : 1;
    int given = end && end != argv[1] && !*end;
    if (given && (count < 1 || count > 1024)) return fprintf(stderr, "bench_kernels: %s threads, expected 1 to 1024\n", argv[1]), 1;
    if (argc > 2 + given) return fprintf(stderr, "usage: bench_kernels [threads] [filter]\n"), 1;
    if (given) threads = (int32_t)count;
    if (argc > 1 + given) filter = argv[1 + given];
    pool = threads > 1 ? el_pool_create(threads) : NULL;
    uint32_t isas = el_cpu_isas();
#if defined(__x86_64__)
    if (isas >> EL_ISA_avx2 & 1) peaks[EL_ISA_avx2] = bench_peak_avx2();
    if (isas >> EL_ISA_avx512 & 1) peaks[EL_ISA_avx512] = bench_peak_avx512();
#elif defined(__aarch64__)
    if (isas >> EL_ISA_neon & 1) peaks[EL_ISA_neon] = bench_peak_neon();
#endif
    for (uint32_t i = 0; i < 16; i++)
        if (peaks[i] > 0) printf("multiply-add peak of one core, %s: %.1f GFLOP/s\n", el_isa_name(i), peaks[i]);
    printf("threads: %d\n", threads);

    gemm(1024, 1024, 1024), gemm(512, 512, 512), gemm(128, 768, 768), gemm(128, 3072, 768), gemm(128, 768, 3072);
    gemm(197, 768, 768), gemm(197, 3072, 768), gemm(197, 768, 3072), gemm(128, 384, 384), gemm(784, 512, 512);
    gemm(1, 384, 384), gemm(1, 1000, 1280), gemm(1, 1000, 2048), gemm(1, 4096, 1024), gemm(1, 4096, 9216), gemm(4, 1024, 1024), gemm(8, 1024, 1024);
    conv("conv_f32", 224, 3, 64, 7, 2, 1), conv("conv_f32", 224, 3, 32, 3, 2, 1);
    conv("conv_f32", 56, 64, 64, 3, 1, 1), conv("conv_f32", 28, 128, 128, 3, 1, 1), conv("conv_f32", 14, 256, 256, 3, 1, 1);
    conv("conv_f32", 7, 512, 512, 3, 1, 1), conv("conv_f32", 56, 128, 128, 3, 2, 1);
    conv("conv_f32", 224, 64, 64, 3, 1, 1), conv("conv_f32", 112, 64, 128, 3, 1, 1), conv("conv_f32", 112, 128, 128, 3, 1, 1);
    conv("conv_f32", 56, 128, 256, 3, 1, 1), conv("conv_f32", 56, 256, 256, 3, 1, 1), conv("conv_f32", 28, 256, 512, 3, 1, 1);
    conv("conv_f32", 28, 512, 512, 3, 1, 1), conv("conv_f32", 14, 512, 512, 3, 1, 1);
    conv("conv_f32", 160, 16, 16, 3, 1, 1), conv("conv_f32", 160, 24, 24, 3, 1, 1), conv("conv_f32", 56, 16, 64, 3, 1, 1);
    conv("conv_f32", 28, 32, 32, 3, 1, 1), conv("conv_f32", 14, 64, 64, 3, 1, 1), conv("conv_f32", 13, 48, 192, 3, 1, 1);
    conv("conv_f32", 13, 192, 384, 3, 1, 1), conv("conv_f32", 13, 384, 256, 3, 1, 1), conv("conv_f32", 160, 96, 24, 3, 1, 1);
    conv("conv_f32", 7, 256, 256, 3, 1, 1), conv("conv_f32", 7, 128, 128, 3, 1, 1), conv("conv_f32", 8, 64, 64, 3, 1, 1);
    conv("conv_f32", 56, 64, 256, 1, 1, 1), conv("conv_f32", 56, 256, 64, 1, 1, 1), conv("conv_f32", 28, 512, 128, 1, 1, 1);
    conv("conv_f32", 14, 1024, 256, 1, 1, 1), conv("conv_f32", 14, 256, 1024, 1, 1, 1), conv("conv_f32", 7, 2048, 512, 1, 1, 1);
    conv("conv_f32", 56, 256, 512, 1, 2, 1), conv("conv_f32", 56, 128, 128, 3, 1, 32);
    conv("conv_f32", 112, 32, 64, 1, 1, 1), conv("conv_f32", 112, 32, 16, 1, 1, 1), conv("conv_f32", 112, 16, 96, 1, 1, 1), conv("conv_f32", 56, 24, 144, 1, 1, 1);
    conv("conv_f32", 56, 144, 24, 1, 1, 1), conv("conv_f32", 28, 192, 32, 1, 1, 1), conv("conv_f32", 14, 512, 512, 1, 1, 1);
    conv("conv_f32", 7, 960, 320, 1, 1, 1), conv("conv_f32", 7, 320, 1280, 1, 1, 1);
    const el_act prelu = {EL_ACT_PRELU, 0, 0}, silu = {EL_ACT_SILU, 0, 0};
    conv_act("conv_f32", 224, 3, 10, 3, 1, 1, prelu), conv_act("conv_f32", 56, 64, 128, 1, 1, 1, prelu), conv_act("conv_f32", 56, 144, 24, 1, 1, 1, silu);
    conv("conv_transpose_f32", 28, 128, 64, 4, 2, 1), conv("conv_transpose_f32", 56, 64, 32, 2, 2, 1);
    conv("dwconv_f32", 112, 32, 32, 3, 1, 32), conv("dwconv_f32", 112, 96, 96, 3, 2, 96), conv("dwconv_f32", 56, 144, 144, 3, 1, 144);
    conv("dwconv_f32", 28, 192, 192, 3, 1, 192), conv("dwconv_f32", 14, 512, 512, 3, 1, 512), conv("dwconv_f32", 7, 960, 960, 3, 1, 960);
    conv("dwconv_f32", 28, 240, 240, 5, 1, 240), conv("dwconv_f32", 28, 120, 120, 5, 2, 120), conv("dwconv_f32", 7, 1152, 1152, 5, 1, 1152);
    conv("dwconv_f32", 14, 384, 384, 3, 1, 384), conv("dwconv_f32", 14, 576, 576, 3, 1, 576), conv("dwconv_f32", 14, 576, 576, 3, 2, 576);
    conv("dwconv_f32", 3, 512, 512, 3, 1, 512), conv("dwconv_f32", 5, 64, 64, 3, 1, 64), conv("dwconv_f32", 6, 256, 256, 3, 1, 256);
    conv("dwconv_f32", 10, 512, 512, 3, 1, 512), conv("dwconv_f32", 12, 128, 128, 3, 1, 128), conv("dwconv_f32", 19, 512, 512, 3, 1, 512);
    conv("conv_f32", 28, 16, 96, 1, 1, 1), conv("conv_f32", 28, 24, 144, 1, 1, 1), conv("conv_f32", 28, 32, 16, 1, 1, 1), conv("conv_f32", 28, 96, 24, 1, 1, 1);
    conv("conv_f32", 224, 3, 16, 3, 2, 1), conv("conv_f32", 128, 3, 24, 5, 2, 1), conv("dwconv_f32", 32, 96, 96, 5, 1, 96), conv("dwconv_f32", 14, 672, 672, 5, 2, 672);
    conv("dwconv_f32", 14, 672, 672, 5, 1, 672), conv("dwconv_f32", 128, 24, 24, 3, 1, 24), conv("conv_f32", 128, 24, 24, 1, 1, 1);
    matmul(1, 512, 512, 512, 0), matmul(1, 512, 512, 512, 1), matmul(12, 128, 128, 64, 1), matmul(12, 128, 64, 128, 0);
    matmul(12, 1, 512, 64, 1), matmul(12, 1, 64, 512, 0);
    attention(12, 1, 1, 512, 64, 1), attention(16, 4, 1, 512, 64, 1), attention(12, 1, 4, 512, 64, 1), attention(12, 1, 8, 512, 64, 1);
    attention(12, 1, 197, 197, 64, 1), attention(12, 1, 512, 512, 64, 1), attention(12, 1, 128, 128, 32, 0), attention(12, 1, 197, 197, 64, 0);
    recurrent("lstm_f32", 64, 256), recurrent("lstm_f32", 64, 128), recurrent("lstm_f32", 1, 128), recurrent("gru_f32", 64, 256);
    pooling(112, 64, 3, 2), pooling(128, 24, 2, 2), pooling(56, 128, 2, 2), pooling(7, 2048, 7, 1);
    el_pool_destroy(pool);
    return 0;
}
