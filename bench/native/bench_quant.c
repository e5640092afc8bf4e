/* Throughput of the int8 kernels: GOP/s (two operations per multiplication) per shape and instruction set, and the share of
 * the multiply-add peak of that instruction set, measured here with independent chains of its own instruction.
 *
 *     bench_quant [threads [small|all [part of a name]]]    layers of small networks in microseconds; then (without "small") of
 *                                                           ResNet-50, MobileNetV2 and a fully connected one, batch 1
 */
#define _POSIX_C_SOURCE 200809L
#include "el_quant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- peaks: independent accumulators, more than latency x units; operations per instruction as stated ------------- */

#if defined(__x86_64__)
#define PEAK(name, target_, vector, chains, constraint, zero, set, step, ops)    \
    __attribute__((target(target_))) static double name(void) {                  \
        double best = 0;                                                         \
        for (int trial = 0; trial < 20; trial++) {                               \
            vector acc[chains], a = set(3), b = set(5);                          \
            _Pragma("GCC unroll 16") for (int j = 0; j < chains; j++) acc[j] = zero(); \
            double start = now();                                                \
            for (int i = 0; i < 300000; i++)                                     \
                _Pragma("GCC unroll 16") for (int j = 0; j < chains; j++) {      \
                    acc[j] = step;                                               \
                    __asm__ volatile("" : constraint(acc[j]));                   \
                }                                                                \
            double rate = 300000.0 * chains * ops / (now() - start) * 1e-9;      \
            if (rate > best) best = rate;                                        \
        }                                                                        \
        return best;                                                             \
    }

/* AVX2: a multiply-add of int16 pairs and an addition, 16 products */
PEAK(peak_avx2, "avx2", __m256i, 12, "+x", _mm256_setzero_si256, _mm256_set1_epi8, ({ __asm__ volatile("" : "+x"(a)); _mm256_add_epi32(acc[j], _mm256_madd_epi16(a, b)); }), 32)
PEAK(peak_avxvnni, "avx2,avxvnni", __m256i, 12, "+x", _mm256_setzero_si256, _mm256_set1_epi8, _mm256_dpbusd_avx_epi32(acc[j], a, b), 64)
PEAK(peak_avx512vnni, "avx512f,avx512bw,avx512vnni", __m512i, 16, "+v", _mm512_setzero_si512, _mm512_set1_epi8, _mm512_dpbusd_epi32(acc[j], a, b), 128)
#endif

static double peak_of(uint32_t isa) {
#if defined(__x86_64__)
    if (isa == EL_ISA_avx2) return peak_avx2();
    if (isa == EL_ISA_avxvnni) return peak_avxvnni();
    if (isa == EL_ISA_avx512vnni) return peak_avx512vnni();
#endif
    return 0;
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

/* A multiplier as the quantizer chooses them: of 8 bits, and with shifts from -9 up a multiple of 2^-16. */
static int32_t factor(int32_t channel) { return (128 + 2 * (channel % 64)) << 23; }

typedef struct layer {
    const char* kernel;
    const char* what;
    int32_t h, c, oc, k, stride, groups;
} layer;

static const layer layers[] = {
    {"qconv_s8", "resnet50 7x7s2 3->64 @224", 224, 3, 64, 7, 2, 1},
    {"qconv_s8", "vgg16 3x3 3->64 @224", 224, 3, 64, 3, 1, 1},
    {"qconv_s8", "vgg16 3x3 64->64 @224", 224, 64, 64, 3, 1, 1},
    {"qconv_s8", "vgg16 3x3 64->128 @112", 112, 64, 128, 3, 1, 1},
    {"qconv_s8", "vgg16 3x3 256->256 @56", 56, 256, 256, 3, 1, 1},
    {"qconv_s8", "vgg16 3x3 512->512 @28", 28, 512, 512, 3, 1, 1},
    {"qconv_s8", "vgg16 3x3 512->512 @14", 14, 512, 512, 3, 1, 1},
    {"qconv_s8", "resnet50 1x1 64->64 @56", 56, 64, 64, 1, 1, 1},
    {"qconv_s8", "resnet50 3x3 64->64 @56", 56, 64, 64, 3, 1, 1},
    {"qconv_s8", "resnet50 1x1 64->256 @56", 56, 64, 256, 1, 1, 1},
    {"qconv_s8", "resnet50 1x1 256->64 @56", 56, 256, 64, 1, 1, 1},
    {"qconv_s8", "resnet50 3x3 128->128 @28", 28, 128, 128, 3, 1, 1},
    {"qconv_s8", "resnet50 1x1 512->128 @28", 28, 512, 128, 1, 1, 1},
    {"qconv_s8", "resnet50 3x3 256->256 @14", 14, 256, 256, 3, 1, 1},
    {"qconv_s8", "resnet50 1x1 256->1024 @14", 14, 256, 1024, 1, 1, 1},
    {"qconv_s8", "resnet50 1x1 1024->256 @14", 14, 1024, 256, 1, 1, 1},
    {"qconv_s8", "resnet50 3x3 512->512 @7", 7, 512, 512, 3, 1, 1},
    {"qconv_s8", "resnet50 1x1 2048->512 @7", 7, 2048, 512, 1, 1, 1},
    {"qconv_s8", "mobilenet 3x3s2 3->32 @224", 224, 3, 32, 3, 2, 1},
    {"qconv_s8", "mobilenet 1x1 32->16 @112", 112, 32, 16, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 16->96 @112", 112, 16, 96, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 96->24 @56", 56, 96, 24, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 24->144 @56", 56, 24, 144, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 192->32 @28", 28, 192, 32, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 32->192 @28", 28, 32, 192, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 384->64 @14", 14, 384, 64, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 96->576 @14", 14, 96, 576, 1, 1, 1},
    {"qconv_s8", "mobilenet 1x1 320->1280 @7", 7, 320, 1280, 1, 1, 1},
    {"qdwconv_s8", "mobilenet dw3x3s2 96 @112", 112, 96, 96, 3, 2, 96},
    {"qdwconv_s8", "mobilenet dw3x3 144 @56", 56, 144, 144, 3, 1, 144},
    {"qdwconv_s8", "mobilenet dw3x3 384 @14", 14, 384, 384, 3, 1, 384},
    {"qdwconv_s8", "mobilenet dw3x3 960 @7", 7, 960, 960, 3, 1, 960},
    {"qgemm_s8", "fc 2048->1000, 1 row", 1, 2048, 1000, 1, 1, 1},
    {"qgemm_s8", "gemm 128 rows 768->3072", 128, 768, 3072, 1, 1, 1},
    {"qconv_transpose_s8", "up 4x4s2 64->64 @28", 28, 64, 64, 4, 2, 1},
};

static void* filled(size_t bytes, unsigned* state) {
    uint8_t* p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (p == NULL) exit(2);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)((*state = *state * 1664525u + 1013904223u) >> 24);
    return p;
}

/* What a call keeps, at first; or NULL. */
static void* kept_of(const el_kernel* k, const void* params, unsigned* state) {
    const size_t bytes = el_kernel_kept(k, params);
    return bytes ? memset(filled(bytes, state), 0, bytes) : NULL;
}

/* Layers of BlazeFace 128 and the MLPerf tiny networks: microseconds per call. size: height and width; c: channels. */
static const layer small_layers[] = {
    {"qdwconv_s8", "blazeface dw3x3 24 @64", 64, 24, 24, 3, 1, 24},    {"qdwconv_s8", "blazeface dw3x3s2 28 @64", 64, 28, 28, 3, 2, 28},
    {"qdwconv_s8", "blazeface dw3x3 32 @32", 32, 32, 32, 3, 1, 32},    {"qdwconv_s8", "blazeface dw3x3 36 @32", 32, 36, 36, 3, 1, 36},
    {"qdwconv_s8", "blazeface dw3x3 42 @32", 32, 42, 42, 3, 1, 42},    {"qdwconv_s8", "blazeface dw3x3 88 @16", 16, 88, 88, 3, 1, 88},
    {"qdwconv_s8", "blazeface dw3x3 96 @8", 8, 96, 96, 3, 1, 96},      {"qadd_s8", "blazeface add 24 @64", 64, 24, 24, 1, 1, 1},
    {"qadd_s8", "add a row of 24 @64", 64, 24, 24, 1, 1, 24},
    {"max_pool_s8", "blazeface max2x2 28 @64", 64, 28, 28, 2, 2, 1},   {"max_pool_s8", "squeezenet max3x3s2 64 @111", 111, 64, 64, 3, 2, 1},
    {"max_pool_s8", "squeezenet max3x3s2 256 @27", 27, 256, 256, 3, 2, 1}, {"max_pool_s8", "vgg16 max2x2 64 @224", 224, 64, 64, 2, 2, 1},
    {"qdwconv_s8", "vww dw3x3 8 @48", 48, 8, 8, 3, 1, 8},              {"qdwconv_s8", "vww dw3x3s2 16 @48", 48, 16, 16, 3, 2, 16},
    {"qdwconv_s8", "vww dw3x3 128 @6", 6, 128, 128, 3, 1, 128},        {"qconv_s8", "resnet8 3x3 3->16 @32", 32, 3, 16, 3, 1, 1},
    {"qconv_s8", "resnet8 3x3 16->16 @32", 32, 16, 16, 3, 1, 1},       {"qconv_s8", "resnet8 3x3 32->32 @16", 16, 32, 32, 3, 1, 1},
    {"qconv_s8", "resnet8 3x3 64->64 @8", 8, 64, 64, 3, 1, 1},         {"qconv_s8", "vww 3x3s2 3->8 @96", 96, 3, 8, 3, 2, 1},
    {"qconv_s8", "vww 1x1 8->16 @48", 48, 8, 16, 1, 1, 1},             {"qconv_s8", "vww 1x1 32->32 @24", 24, 32, 32, 1, 1, 1},
    {"qconv_s8", "vww 1x1 64->64 @12", 12, 64, 64, 1, 1, 1},           {"qconv_s8", "vww 1x1 128->128 @6", 6, 128, 128, 1, 1, 1},
    {"qconv_s8", "blazeface 1x1 24->24 @64", 64, 24, 24, 1, 1, 1},     {"qconv_s8", "blazeface 1x1 96->96 @8", 8, 96, 96, 1, 1, 1},
    {"qconv_s8", "blazeface 5x5s2 3->24 @128", 128, 3, 24, 5, 2, 1},
    {"qconv_s8", "kws 10x4 like 4x4 1->64 @25", 25, 1, 64, 4, 2, 1},   {"qgemm_s8", "ad fully connected 128->128", 1, 128, 128, 1, 1, 1},
    {"qgemm_s8", "ad fully connected 640->128", 1, 640, 128, 1, 1, 1}, {"qgemm_s8", "ad fully connected 128->640", 1, 128, 640, 1, 1, 1},
};

static void time_small(const layer* a, el_pool* pool, int32_t threads, uint32_t isas) {
    uint32_t count;
    const el_kernel* table = el_kernels(&count);
    int32_t o = (a->h + a->stride - 1) / a->stride, elements = a->h * a->h * a->c;
    unsigned state = 7;
    size_t outputs = (size_t)(o * o * a->oc), most = (size_t)elements > outputs ? (size_t)elements : outputs;
    void* data[] = {filled((size_t)elements, &state), filled(most, &state), filled(most, &state)};
    int8_t* weights = filled((size_t)(a->k * a->k * (a->groups > 1 ? a->c + 15 : (a->c + 3) / 4 * 4 * ((a->oc + 15) / 16 * 16))), &state);
    int32_t* column[4]; /* bias, wsum, multiplier, shift */
    for (int i = 0; i < 4; i++) column[i] = filled((size_t)a->oc * 4, &state);
    for (int32_t j = 0; j < a->oc; j++) column[0][j] %= 5000, column[1][j] %= 500, column[2][j] = factor(j), column[3][j] = -7 - j % 2;
    void* conv_buffers[] = {data[0], weights, column[0], column[1], column[2], column[3], data[1], NULL};
    el_qconv_params conv = {1, a->h, a->h, a->c, o, o, a->oc, a->k, a->k, a->stride, a->stride, 1, 1, a->k / 2, a->k / 2, a->groups, -3, -128, -128, 127};
    el_qgemm_params gemm = {1, a->oc, a->c, -3, 4, -128, 127};
    el_qpool_params pool_params = {1, a->h, a->h, a->c, o, o, a->k, a->k, a->stride, a->stride, 0, 0, -128, 127};
    el_qadd_params add = {elements, elements, a->groups > 1 ? a->groups : elements, 3, -5, 2, 20, 1073741824, 0, 1412345678, -1, 1812345678, -19, -128, 127};
    int is_add = strcmp(a->kernel, "qadd_s8") == 0, is_pool = strcmp(a->kernel, "max_pool_s8") == 0, is_conv = !is_add && !is_pool;
    const void* params = strcmp(a->kernel, "qgemm_s8") == 0 ? (const void*)&gemm : is_conv ? (const void*)&conv : is_add ? (const void*)&add : &pool_params;
    printf("%-28s", a->what);
    for (uint32_t isa = 1; isa < 16; isa++)
        for (uint32_t i = 0; i < count; i++) {
            const el_kernel* k = &table[i];
            if (k->isa != isa || !(isas >> isa & 1) || strcmp(el_kernel_name(k), a->kernel) != 0) continue;
            size_t bytes = el_kernel_scratch(k, params, threads);
            el_ctx ctx = {pool, filled(bytes, &state), bytes, kept_of(k, params, &state)};
            double best = 1e9, total = 0;
            el_pool_begin(pool);
            for (int run = 0; run < 3 || (total < 0.1 && run < 100000); run++) {
                double start = now();
                el_kernel_run(k, &ctx, params, is_conv ? conv_buffers : data);
                double seconds = now() - start;
                total += seconds;
                if (seconds < best) best = seconds;
            }
            el_pool_end(pool);
            printf("  %s %6.2f us", el_isa_name(isa), best * 1e6);
            free(ctx.scratch), free(ctx.kept);
        }
    printf("\n");
    for (int i = 0; i < 3; i++) free(data[i]);
    for (int i = 0; i < 4; i++) free(column[i]);
    free(weights);
}

int main(int argc, char** argv) {
    int32_t threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > 1024) return fprintf(stderr, "bench_quant: %s threads, expected 1 to 1024\n", argv[1]), 1;
    el_pool* pool = threads > 1 ? el_pool_create(threads) : NULL;
    uint32_t count, isas = el_cpu_isas();
    const el_kernel* table = el_kernels(&count);
    for (size_t l = 0; l < sizeof small_layers / sizeof *small_layers; l++)
        if (argc < 4 || strstr(small_layers[l].what, argv[3])) time_small(&small_layers[l], pool, threads, isas);
    if (argc > 2 && strcmp(argv[2], "small") == 0) return 0;
    double peaks[16] = {0};
    for (uint32_t isa = 1; isa < 16; isa++)
        if (isas >> isa & 1 && (peaks[isa] = peak_of(isa) * threads) > 0) printf("peak %-11s %8.1f GOP/s on %d threads\n", el_isa_name(isa), peaks[isa], threads);
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        const layer* a = &layers[l];
        if (argc > 3 && !strstr(a->what, argv[3])) continue;
        int gemm = strcmp(a->kernel, "qgemm_s8") == 0, depthwise = a->groups > 1, transpose = strcmp(a->kernel, "qconv_transpose_s8") == 0;
        int32_t oh = transpose ? a->h * a->stride : (a->h + a->stride - 1) / a->stride, w = gemm ? 1 : a->h, ow = gemm ? 1 : oh;
        int32_t cin4 = (a->c / a->groups + 3) / 4 * 4, oc16 = (a->oc + 15) / 16 * 16;
        unsigned state = 1;
        size_t weights = (size_t)(a->k * a->k) * (size_t)oc16 * (size_t)(depthwise ? 1 : cin4);
        void* buffers[] = {filled((size_t)(a->h * w * a->c), &state), filled(weights, &state), filled((size_t)a->oc * 4, &state),
                           filled((size_t)a->oc * 4, &state), filled((size_t)a->oc * 4, &state), filled((size_t)a->oc * 4, &state),
                           filled((size_t)(oh * ow * a->oc), &state), NULL};
        for (size_t i = 0; i < weights; i++) ((int8_t*)buffers[1])[i] /= 2; /* a mean size of 32, as those of large layers have */
        for (int32_t o = 0; o < a->oc; o++) {
            ((int32_t*)buffers[2])[o] %= 5000, ((int32_t*)buffers[3])[o] %= 500;
            ((int32_t*)buffers[4])[o] = factor(o), ((int32_t*)buffers[5])[o] = -9;
        }
        el_qconv_params conv = {1, a->h, w, a->c, oh, ow, a->oc, a->k, a->k, a->stride, a->stride, 1, 1, transpose ? 1 : a->k / 2,
                                transpose ? 1 : a->k / 2, a->groups, -3, -128, -128, 127};
        el_qgemm_params product = {a->h, a->oc, a->c, -3, 4, -128, 127};
        const void* params = gemm ? (const void*)&product : &conv;
        double ops = 2.0 * a->k * a->k * (a->c / a->groups) * a->oc * (transpose ? a->h * w : oh * ow);
        printf("%-28s", a->what);
        for (uint32_t isa = 1; isa < 16; isa++)
            for (uint32_t i = 0; i < count; i++) {
                const el_kernel* k = &table[i];
                if (k->isa != isa || !(isas >> isa & 1) || strcmp(el_kernel_name(k), a->kernel) != 0) continue;
                size_t bytes = el_kernel_scratch(k, params, threads);
                el_ctx ctx = {pool, filled(bytes, &state), bytes, kept_of(k, params, &state)};
                double best = 1e9, total = 0;
                el_pool_begin(pool);
                for (int run = 0; run < 3 || (total < 0.05 && run < 100000); run++) {
                    double start = now();
                    el_kernel_run(k, &ctx, params, buffers);
                    double seconds = now() - start;
                    total += seconds;
                    if (seconds < best) best = seconds;
                }
                el_pool_end(pool);
                double rate = ops / best * 1e-9;
                printf("  %s %7.1f", el_isa_name(isa), rate);
                if (peaks[isa] > 0) printf(" (%3.0f%%)", 100 * rate / peaks[isa]);
                free(ctx.scratch), free(ctx.kept);
            }
        printf("\n");
        for (int i = 0; i < 7; i++) free(buffers[i]);
    }
    el_pool_destroy(pool);
    return 0;
}
