/* AVX2 + FMA micro-kernel: a panel is two registers of 8 columns, a tile up to 6 rows x 1 panel (12 accumulators, 2 of B, one
 * broadcast of A: 8 loads for 12 multiply-adds). Few rows take 2 or 4 panels instead, so that at least 8 independent sums hide
 * the latency of the multiply-add; one row of fewer panels sums in parts. Columns past the tail go through masked loads and partial stores. */
#include "el_vmath.h"
#include "gemm_job.h"
#include <immintrin.h>

EL_KERNEL(conv_f32, avx2, el_conv_params)
EL_KERNEL(conv_f32__direct, avx2, el_conv_params)
EL_KERNEL(conv_transpose_f32, avx2, el_conv_params)
EL_KERNEL(gemm_f32, avx2, el_gemm_params)
EL_KERNEL(gemm_f32__direct, avx2, el_gemm_params)
EL_KERNEL(matmul_f32, avx2, el_matmul_params)
EL_KERNEL(attention_f32, avx2, el_attention_params)

/* First n of 8 lanes, n clamped to [0, 8]. */
static inline __m256i first_lanes(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Masked stores are slow on some processors: the tail is stored in halves. */
static inline void store_first(float* to, __m256 v, int n) {
    if (n >= 8) {
        _mm256_storeu_ps(to, v);
        return;
    }
    __m128 h = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(to, h);
        h = _mm256_extractf128_ps(v, 1);
        to += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64*)to, h);
        h = _mm_movehl_ps(h, h);
        to += 2;
    }
    if (n & 1) _mm_store_ss(to, h);
}

/* One step of K: column k of R rows, times a row of P panels. */
static inline __attribute__((always_inline)) void products(__m256* acc, const float* const* a, int64_t k, const float* b, int64_t b_panel, const int R, const int P,
                                                           const int V) {
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
        const int both = 2 * p + 1 < V;
        __m256 b0 = _mm256_loadu_ps(b + p * b_panel), b1 = both ? _mm256_loadu_ps(b + p * b_panel + 8) : b0;
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            __m256 av = _mm256_broadcast_ss(a[r] + k);
            acc[r * V + 2 * p] = _mm256_fmadd_ps(av, b0, acc[r * V + 2 * p]);
            if (both) acc[r * V + 2 * p + 1] = _mm256_fmadd_ps(av, b1, acc[r * V + 2 * p + 1]);
        }
    }
}

/* narrow: of the last panel only the first 8 columns are in use */
static inline __attribute__((always_inline)) void tile_body(const el_tile* t, const int R, const int P, const int narrow) {
    enum { MAX = 12 };
    const int V = 2 * P - narrow; /* registers across */
    const int N = R * V, C = R > 1 || N >= 6 ? 1 : N >= 3 ? 2 : 4; /* where there are few sums, each is taken in C parts, a part for every C-th step of K, so that they need not wait for each other */
    __m256 acc[MAX];
    const int partial = t->tail < (narrow ? 8 : 16), edge = narrow ? V - 1 : V - 2;
    const __m256i mask0 = first_lanes(t->tail), mask1 = first_lanes(t->tail - 8);
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) {
        __m256 start = _mm256_setzero_ps();
        if (t->bias) {
            if (v >= edge && partial) start = _mm256_maskload_ps(t->bias + v * 8, v == edge ? mask0 : mask1);
            else start = _mm256_loadu_ps(t->bias + v * 8);
        }
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) acc[r * V + v] = start;
    }
#pragma GCC unroll 12
    for (int i = N; i < N * C; i++) acc[i] = _mm256_setzero_ps();
    if (t->residual) {
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const float* from = t->residual + t->off[r];
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) {
                __m256 e;
                if (v >= edge && partial) e = _mm256_maskload_ps(from + v * 8, v == edge ? mask0 : mask1);
                else e = _mm256_loadu_ps(from + v * 8);
                acc[r * V + v] = _mm256_add_ps(acc[r * V + v], e);
            }
        }
    }
    const float* const* rows = t->a;
    const int64_t b_panel = t->b_panel, b_row = t->b_row;
    for (int32_t s = 0; s < t->segs; s++, rows += EL_MB) {
        const float* a[6];
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) a[r] = rows[r] + t->a_offset;
        const float* b = t->b + t->brow[s] * b_row;
        int64_t k = 0, end = t->seglen;
        for (; C > 1 && k + C <= end; k += C) {
#pragma GCC unroll 4
            for (int c = 0; c < C; c++, b += b_row) products(acc + c * N, a, k + c, b, b_panel, R, P, V);
        }
        for (; k < end; k++, b += b_row) products(acc, a, k, b, b_panel, R, P, V);
    }
#pragma GCC unroll 12
    for (int i = N; i < N * C; i++) acc[i % N] = _mm256_add_ps(acc[i % N], acc[i]);
    const __m256 scale = _mm256_set1_ps(t->scale), lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
        float* to = t->y + t->off[r];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) {
            /* max and min return their second operand when one is NaN */
            acc[r * V + v] = _mm256_min_ps(hi, _mm256_max_ps(lo, _mm256_mul_ps(acc[r * V + v], scale)));
            if (v < edge || !partial) _mm256_storeu_ps(to + v * 8, acc[r * V + v]);
        }
        if (partial) {
            store_first(to + edge * 8, acc[r * V + edge], t->tail);
            if (!narrow && t->tail > 8) store_first(to + (V - 1) * 8, acc[r * V + V - 1], t->tail - 8);
        }
    }
}

/* A run: many tiles of 6 rows of a dense matrix, one below the other, so that a few strides replace the tables. The last step of K goes row
 * by row, and each row is stored while the next ones are still being computed. */
static void run_1(const el_tile* t, int64_t tiles) {
    const int partial = t->tail < 16;
    const __m256i mask0 = first_lanes(t->tail), mask1 = first_lanes(t->tail - 8);
    const int64_t lda = t->lda, ldc = t->ldc, k = t->seglen - 1;
    __m256 start0 = _mm256_setzero_ps(), start1 = start0;
    if (t->bias) start0 = _mm256_maskload_ps(t->bias, mask0), start1 = _mm256_maskload_ps(t->bias + 8, mask1);
    const float* rows = t->a_rows;
    float* y = t->y_rows;
    const float* residual = t->residual ? t->residual + (t->y_rows - t->y) : y;
    for (int64_t i = 0; i < tiles; i++) {
        __m256 acc[12];
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) acc[2 * r] = start0, acc[2 * r + 1] = start1;
        const float *a[2] = {rows, rows + 3 * lda}, *b = t->b;
        rows += 6 * lda;
        for (int64_t n = k; n > 0; n--, b += 16) {
            const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
            for (int r = 0; r < 6; r++) {
                const __m256 av = _mm256_broadcast_ss(a[r / 3] + r % 3 * lda);
                acc[2 * r] = _mm256_fmadd_ps(av, b0, acc[2 * r]);
                acc[2 * r + 1] = _mm256_fmadd_ps(av, b1, acc[2 * r + 1]);
            }
            a[0]++, a[1]++;
        }
        const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8), lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++, y += ldc, residual += ldc) {
            __asm__("" : "+r"(y), "+r"(residual));
            const __m256 av = _mm256_broadcast_ss(a[r / 3] + r % 3 * lda);
            __m256 v0 = _mm256_fmadd_ps(av, b0, acc[2 * r]), v1 = _mm256_fmadd_ps(av, b1, acc[2 * r + 1]);
            if (t->residual && partial) {
                v0 = _mm256_add_ps(v0, _mm256_maskload_ps(residual, mask0));
                v1 = _mm256_add_ps(v1, _mm256_maskload_ps(residual + 8, mask1));
            } else if (t->residual) {
                v0 = _mm256_add_ps(v0, _mm256_loadu_ps(residual));
                v1 = _mm256_add_ps(v1, _mm256_loadu_ps(residual + 8));
            }
            if (t->act == EL_ACT_HARD_SWISH) {
                v0 = el_vact((el_act){EL_ACT_HARD_SWISH, 0, 0}, v0);
                v1 = el_vact((el_act){EL_ACT_HARD_SWISH, 0, 0}, v1);
            } else {
                v0 = _mm256_min_ps(hi, _mm256_max_ps(lo, v0));
                v1 = _mm256_min_ps(hi, _mm256_max_ps(lo, v1));
            }
            if (partial) {
                store_first(y, v0, t->tail);
                if (t->tail > 8) store_first(y + 8, v1, t->tail - 8);
            } else {
                _mm256_storeu_ps(y, v0);
                _mm256_storeu_ps(y + 8, v1);
            }
        }
    }
}

/* A line of windows, 6 outputs at a time; where 6 does not divide their number, the last 6 compute some outputs a second time. */
static inline __attribute__((always_inline)) __m256 window_end(const el_windows* v, __m256 x) {
    if (v->act == EL_ACT_HARD_SWISH) return el_vact((el_act){EL_ACT_HARD_SWISH, 0, 0}, x);
    return _mm256_min_ps(_mm256_set1_ps(v->hi), _mm256_max_ps(_mm256_set1_ps(v->lo), x));
}

static inline __attribute__((always_inline)) void windows_body(const el_windows* v, int64_t outputs, const int narrow) {
    const __m256i mask0 = first_lanes(v->tail), mask1 = first_lanes(v->tail - 8);
    const int64_t step = v->step, ldc = v->ldc;
    __m256 start0 = _mm256_setzero_ps(), start1 = start0;
    if (v->bias) start0 = _mm256_maskload_ps(v->bias, mask0), start1 = _mm256_maskload_ps(v->bias + 8, mask1);
    for (int64_t first = 0; first < outputs; first += 6) {
        if (first + 6 > outputs) first = outputs - 6;
        __m256 acc[12];
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) acc[2 * r] = start0, acc[2 * r + 1] = start1;
        const float* b = v->b;
        const int inside = first >= v->from && first + 6 <= v->to;
        const float* const* lines = inside ? v->lines : v->edges;
        const int64_t at = first * step - (inside ? v->left : 0);
        for (int32_t ky = 0; ky < v->kh; ky++) {
            const float *a0 = lines[ky] + at, *a1 = a0 + 3 * step;
            for (int32_t n = v->length; n > 0; n--, b += 16, a0++, a1++) {
                const __m256 b0 = _mm256_loadu_ps(b), b1 = narrow ? b0 : _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
                for (int r = 0; r < 6; r++) {
                    const __m256 av = _mm256_broadcast_ss((r < 3 ? a0 : a1) + r % 3 * step);
                    acc[2 * r] = _mm256_fmadd_ps(av, b0, acc[2 * r]);
                    if (!narrow) acc[2 * r + 1] = _mm256_fmadd_ps(av, b1, acc[2 * r + 1]);
                }
            }
        }
        float* y = v->y + first * ldc;
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++, y += ldc) {
            __asm__("" : "+r"(y));
            store_first(y, window_end(v, acc[2 * r]), v->tail);
            if (!narrow) store_first(y + 8, window_end(v, acc[2 * r + 1]), v->tail - 8);
        }
    }
}

static void windows_1(const el_windows* v, int64_t outputs) { windows_body(v, outputs, 0); }
static void windows_narrow(const el_windows* v, int64_t outputs) { windows_body(v, outputs, 1); }

#define EL_WINDOWS 6
#define EL_WINDOWS_PANELS 1
#define el_windows_activates(kind) ((kind) == EL_ACT_HARD_SWISH)
static inline el_windows_fn el_windows_kernel(int32_t panels, int32_t tail) { return tail > 8 ? windows_1 : windows_narrow; }

#define TILE(R, P)                                                                                                     \
    static void tile_##R##_##P(const el_tile* t) {                                                                     \
        if (P == 1 && t->tail <= 8) tile_body(t, R, P, 1);                                                             \
        else tile_body(t, R, P, 0);                                                                                    \
    }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(1, 4)

static const el_tile_fn tiles[3][6] = {
    {tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1},
    {tile_1_2, tile_2_2, tile_3_2},
    {tile_1_4},
};

#define EL_RUNS 1
static inline int el_run_activates(int32_t kind, int32_t panels, int32_t tail) { return kind == EL_ACT_HARD_SWISH; }
static inline el_run_fn el_run_kernel(int32_t panels, int32_t tail) { return panels == 1 && tail > 8 ? run_1 : NULL; }
#define EL_MR 6
#define EL_KC 768
#define EL_WIDE(R) ((R) == 1 ? 4 : (R) <= 3 ? 2 : 1)
static inline el_tile_fn el_tile_kernel(int32_t rows, int32_t panels) { return tiles[panels >> 1][rows - 1]; }
#include "gemm_f32.h"

EL_GEMM_F32_KERNELS(avx2)
