/* AVX-512 micro-kernel: a panel is one register of 16 columns, a tile up to 12 rows x 2 panels (24 accumulators, 2 of B, and
 * one broadcast of A that serves both panels: 14 loads for 24 multiply-adds). Few rows take 4 or 8 panels instead, so that at
 * least 8 independent sums hide the latency of the multiply-add; one row of fewer panels sums in parts. Low tiles
 * are 7 rows x 3 panels: 10 loads for 21; where four panels are left they go together, 4 rows and 3. The columns past the tail are masked. */
#include "el_vmath.h"
#include "gemm_job.h"
#include <immintrin.h>

EL_KERNEL(conv_f32, avx512, el_conv_params)
EL_KERNEL(conv_f32__direct, avx512, el_conv_params)
EL_KERNEL(conv_transpose_f32, avx512, el_conv_params)
EL_KERNEL(gemm_f32, avx512, el_gemm_params)
EL_KERNEL(gemm_f32__direct, avx512, el_gemm_params)
EL_KERNEL(matmul_f32, avx512, el_matmul_params)
EL_KERNEL(attention_f32, avx512, el_attention_params)

/* One step of K: column k of R rows, times a row of P panels. */
static inline __attribute__((always_inline)) void products(__m512* acc, const float* const* a, int64_t k, const float* b, int64_t b_panel, const int R, const int P) {
    __m512 bv[8];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) bv[p] = _mm512_loadu_ps(b + p * b_panel);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
        const __m512 av = _mm512_set1_ps(a[r][k]);
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) acc[r * P + p] = _mm512_fmadd_ps(av, bv[p], acc[r * P + p]);
    }
}

static inline __attribute__((always_inline)) void tile_body(const el_tile* t, const int R, const int P) {
    const int N = R * P, C = R > 1 || N >= 8 ? 1 : N >= 4 ? 2 : 4; /* where there are few sums, each is taken in C parts, a part for every C-th step of K, so that they need not wait for each other */
    __m512 acc[24];
    const __mmask16 tail = (__mmask16)((1u << t->tail) - 1), full = 0xffff;
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) {
        __mmask16 m = p == P - 1 ? tail : full;
        __m512 start = t->bias ? _mm512_maskz_loadu_ps(m, t->bias + p * 16) : _mm512_setzero_ps();
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) acc[r * P + p] = start;
    }
#pragma GCC unroll 16
    for (int i = N; i < N * C; i++) acc[i] = _mm512_setzero_ps();
    /* what the end adds is on its way meanwhile */
    if (t->residual && t->residual != t->y) {
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
            for (int p = 0; p < P; p++) _mm_prefetch((const char*)(t->residual + t->off[r] + p * 16), _MM_HINT_T0);
        }
    }
    const float* const* rows = t->a;
    const int64_t b_panel = t->b_panel, b_row = t->b_row;
    for (int32_t s = 0; s < t->segs; s++, rows += EL_MB) {
        const float* a[12];
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) a[r] = rows[r] + t->a_offset;
        const float *b = t->b + t->brow[s] * b_row, *ahead = b + t->ahead;
        int64_t k = 0, end = t->seglen;
        for (; C > 1 && k + C <= end; k += C) {
#pragma GCC unroll 4
            for (int c = 0; c < C; c++, b += b_row) products(acc + c * N, a, k + c, b, b_panel, R, P);
        }
#pragma GCC unroll 2
        for (; k < end; k++, b += b_row, ahead += b_row) {
            if (R > 1) _mm_prefetch((const char*)ahead, _MM_HINT_T0); /* one row goes over B at the speed of memory */
            products(acc, a, k, b, b_panel, R, P);
        }
    }
#pragma GCC unroll 16
    for (int i = N; i < N * C; i++) acc[i % N] = _mm512_add_ps(acc[i % N], acc[i]);
    if (t->residual) {
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            const float* from = t->residual + t->off[r];
#pragma GCC unroll 8
            for (int p = 0; p < P; p++)
                acc[r * P + p] = _mm512_add_ps(acc[r * P + p], _mm512_maskz_loadu_ps(p == P - 1 ? tail : full, from + p * 16));
        }
    }
    if (t->scale != 1.0f) {
#pragma GCC unroll 24
        for (int i = 0; i < R * P; i++) acc[i] = _mm512_mul_ps(acc[i], _mm512_set1_ps(t->scale));
    }
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
        float* to = t->y + t->off[r];
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) {
            /* max and min return their second operand when one is NaN */
            __m512 v = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[r * P + p]));
            if (p == P - 1) _mm512_mask_storeu_ps(to + p * 16, tail, v);
            else _mm512_storeu_ps(to + p * 16, v);
        }
    }
}

/* Two panels of which the second has 8 columns or fewer: those of two rows share a register, row 2i below and 2i + 1 above, so that
 * three multiply-adds do what would take four. */
static inline __attribute__((always_inline)) void tile_half(const el_tile* t, const int R) {
    const int H = (R + 1) / 2;
    const __mmask8 tail = (__mmask8)((1u << t->tail) - 1);
    __m512 acc[12], half[6];
    const __m512 start = t->bias ? _mm512_loadu_ps(t->bias) : _mm512_setzero_ps();
    const __m512 start_half = t->bias ? _mm512_broadcast_f32x8(_mm256_maskz_loadu_ps(tail, t->bias + 16)) : _mm512_setzero_ps();
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) acc[r] = start;
#pragma GCC unroll 6
    for (int h = 0; h < H; h++) half[h] = start_half;
    const float* const* rows = t->a;
    const int64_t b_panel = t->b_panel, b_row = t->b_row;
    for (int32_t s = 0; s < t->segs; s++, rows += EL_MB) {
        const float* a[12];
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) a[r] = rows[r] + t->a_offset;
        const float *b = t->b + t->brow[s] * b_row, *ahead = b + t->ahead;
#pragma GCC unroll 2
        for (int64_t k = 0, end = t->seglen; k < end; k++, b += b_row, ahead += b_row) {
            _mm_prefetch((const char*)ahead, _MM_HINT_T0);
            const __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_broadcast_f32x8(_mm256_loadu_ps(b + b_panel));
#pragma GCC unroll 6
            for (int h = 0; h < H; h++) {
                __m512 even = _mm512_set1_ps(a[2 * h][k]), both = even;
                acc[2 * h] = _mm512_fmadd_ps(even, b0, acc[2 * h]);
                if (2 * h + 1 < R) {
                    __m512 odd = _mm512_set1_ps(a[2 * h + 1][k]);
                    acc[2 * h + 1] = _mm512_fmadd_ps(odd, b0, acc[2 * h + 1]);
                    both = _mm512_mask_blend_ps(0xff00, even, odd);
                }
                half[h] = _mm512_fmadd_ps(both, b1, half[h]);
            }
        }
    }
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi), scale = _mm512_set1_ps(t->scale);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
        const int64_t off = t->off[r];
        __m512 v = acc[r];
        __m256 w = r % 2 ? _mm512_extractf32x8_ps(half[r / 2], 1) : _mm512_castps512_ps256(half[r / 2]);
        if (t->residual) {
            v = _mm512_add_ps(v, _mm512_loadu_ps(t->residual + off));
            w = _mm256_add_ps(w, _mm256_maskz_loadu_ps(tail, t->residual + off + 16));
        }
        v = _mm512_min_ps(hi, _mm512_max_ps(lo, _mm512_mul_ps(v, scale)));
        w = _mm256_min_ps(_mm512_castps512_ps256(hi), _mm256_max_ps(_mm512_castps512_ps256(lo), _mm256_mul_ps(w, _mm512_castps512_ps256(scale))));
        _mm512_storeu_ps(t->y + off, v);
        _mm256_mask_storeu_ps(t->y + off + 16, tail, w);
    }
}

/* Runs: many tiles of 12 rows of a dense matrix, one below the other, so that a few strides replace the tables. The last two steps of K go
 * row by row, and each row is stored while the next ones are still being computed. */
#define BASES 4 /* pointers for 12 rows: an x86 address can add a stride once or twice to a pointer, which gives three rows each */

/* What becomes of a sum: HardSwish where it activates, otherwise the clamp. */
static inline __attribute__((always_inline)) __m512 ended(__m512 v, int activates, float lo, float hi) {
    if (activates) return el_vact((el_act){EL_ACT_HARD_SWISH, 0, 0}, v);
    return _mm512_min_ps(_mm512_set1_ps(hi), _mm512_max_ps(_mm512_set1_ps(lo), v));
}

static inline __attribute__((always_inline)) __m512 finished(const el_tile* t, __m512 v, const float* residual, __mmask16 m, const int activates) {
    if (t->residual) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(m, residual));
    if (activates && t->act == EL_ACT_SILU) return el_vsilu(v);
    return ended(v, activates && t->act == EL_ACT_HARD_SWISH, t->lo, t->hi);
}

/* A row of panel p of B. less: B is a difference, which is stored as it is made (el_tile). */
static inline __attribute__((always_inline)) __m512 weights(const el_tile* t, const char* b, int p, const int less) {
    __m512 v = _mm512_loadu_ps((const float*)(b + p * t->b_panel * 4));
    if (less) {
        const int64_t at = b - (const char*)t->b;
        v = _mm512_sub_ps(v, _mm512_loadu_ps((const float*)((const char*)(t->less + p * t->less_panel) + at)));
        _mm512_storeu_ps((float*)((char*)(t->kept + p * t->kept_panel) + at), v);
    }
    return v;
}

static inline __attribute__((always_inline)) void run_body(const el_tile* t, int64_t tiles, const int P, const int less) {
    const __mmask16 tail = (__mmask16)((1u << t->tail) - 1), full = 0xffff;
    const int64_t lda = t->lda, ldc = t->ldc, panel = t->b_panel * 4, k = t->seglen - 2;
    const int plain = !less && !t->residual && t->act == EL_ACT_NONE; /* the usual end of short sums, where it would cost as much as they do */
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    __m512 start[2];
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) start[p] = t->bias ? _mm512_maskz_loadu_ps(p == P - 1 ? tail : full, t->bias + p * 16) : _mm512_setzero_ps();
    const float* rows = t->a_rows;
    float* y = t->y_rows;
    const float* residual = t->residual ? t->residual + (t->y_rows - t->y) : y;
    for (int64_t i = 0; i < tiles; i++) {
        __m512 acc[24];
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) acc[r * P + p] = start[p];
        }
        const float* a[BASES];
#pragma GCC unroll 4
        for (int q = 0; q < BASES; q++) a[q] = rows + 3 * q * lda;
        rows += 12 * lda;
        const char *b = (const char*)t->b, *ahead = i < P && t->ahead ? b + t->ahead + i * panel : (const char*)rows; /* of B, or of the next rows of A */
#pragma GCC unroll 2
        for (int64_t n = k; n > 0; n--, b += 64, ahead += 64) {
            _mm_prefetch(ahead, _MM_HINT_T0);
            __m512 bv[2];
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) bv[p] = weights(t, b, p, less);
#pragma GCC unroll 12
            for (int r = 0; r < 12; r++) {
                const __m512 av = _mm512_set1_ps(a[r / 3][r % 3 * lda]);
#pragma GCC unroll 2
                for (int p = 0; p < P; p++) acc[r * P + p] = _mm512_fmadd_ps(av, bv[p], acc[r * P + p]);
            }
#pragma GCC unroll 4
            for (int q = 0; q < BASES; q++) a[q]++;
        }
        __m512 last[2][2];
#pragma GCC unroll 2
        for (int l = 0; l < 2; l++) {
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) last[l][p] = weights(t, b + l * 64, p, less);
        }
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++, y += ldc, residual += ldc) {
            __asm__("" : "+r"(y), "+r"(residual));
#pragma GCC unroll 2
            for (int l = 0; l < 2; l++) {
                const __m512 av = _mm512_set1_ps(a[r / 3][r % 3 * lda + l]);
#pragma GCC unroll 2
                for (int p = 0; p < P; p++) acc[r * P + p] = _mm512_fmadd_ps(av, last[l][p], acc[r * P + p]);
            }
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) {
                const __mmask16 m = p == P - 1 ? tail : full;
                const __m512 v = plain ? _mm512_min_ps(hi, _mm512_max_ps(lo, acc[r * P + p])) : finished(t, acc[r * P + p], residual + p * 16, m, !less);
                if (p == P - 1) _mm512_mask_storeu_ps(y + p * 16, tail, v);
                else _mm512_storeu_ps(y + p * 16, v);
            }
        }
    }
}

/* A run over two panels of which the second has 8 columns or fewer; registers as in tile_half. */
static void run_half(const el_tile* t, int64_t tiles) {
    const __mmask8 tail = (__mmask8)((1u << t->tail) - 1);
    const int64_t lda = t->lda, ldc = t->ldc, panel = t->b_panel * 4, k = t->seglen - 2;
    const __m512 start = t->bias ? _mm512_loadu_ps(t->bias) : _mm512_setzero_ps();
    const __m512 start_half = t->bias ? _mm512_broadcast_f32x8(_mm256_maskz_loadu_ps(tail, t->bias + 16)) : _mm512_setzero_ps();
    const float* rows = t->a_rows;
    float* y = t->y_rows;
    const float* residual = t->residual ? t->residual + (t->y_rows - t->y) : y;
    for (int64_t i = 0; i < tiles; i++) {
        __m512 acc[12], half[6];
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) acc[r] = start, half[r / 2] = start_half;
        const float* a[BASES];
#pragma GCC unroll 4
        for (int q = 0; q < BASES; q++) a[q] = rows + 3 * q * lda;
        rows += 12 * lda;
        const char* b = (const char*)t->b;
#pragma GCC unroll 2
        for (int64_t n = k; n > 0; n--, b += 64) {
            const __m512 b0 = _mm512_loadu_ps((const float*)b), b1 = _mm512_broadcast_f32x8(_mm256_loadu_ps((const float*)(b + panel)));
#pragma GCC unroll 6
            for (int r = 0; r < 12; r += 2) {
                const __m512 even = _mm512_set1_ps(a[r / 3][r % 3 * lda]), odd = _mm512_set1_ps(a[(r + 1) / 3][(r + 1) % 3 * lda]);
                acc[r] = _mm512_fmadd_ps(even, b0, acc[r]);
                acc[r + 1] = _mm512_fmadd_ps(odd, b0, acc[r + 1]);
                half[r / 2] = _mm512_fmadd_ps(_mm512_mask_blend_ps(0xff00, even, odd), b1, half[r / 2]);
            }
#pragma GCC unroll 4
            for (int q = 0; q < BASES; q++) a[q]++;
        }
        __m512 last[2], last_half[2];
#pragma GCC unroll 2
        for (int l = 0; l < 2; l++) {
            last[l] = _mm512_loadu_ps((const float*)(b + l * 64));
            last_half[l] = _mm512_broadcast_f32x8(_mm256_loadu_ps((const float*)(b + l * 64 + panel)));
        }
#pragma GCC unroll 6
        for (int r = 0; r < 12; r += 2) {
#pragma GCC unroll 2
            for (int l = 0; l < 2; l++) {
                const __m512 even = _mm512_set1_ps(a[r / 3][r % 3 * lda + l]), odd = _mm512_set1_ps(a[(r + 1) / 3][(r + 1) % 3 * lda + l]);
                acc[r] = _mm512_fmadd_ps(even, last[l], acc[r]);
                acc[r + 1] = _mm512_fmadd_ps(odd, last[l], acc[r + 1]);
                half[r / 2] = _mm512_fmadd_ps(_mm512_mask_blend_ps(0xff00, even, odd), last_half[l], half[r / 2]);
            }
            if (ldc == 24) { /* rows of y without a gap: two rows are three whole registers, and three lines of memory */
                const __m512 three[3] = {acc[r], _mm512_insertf32x8(half[r / 2], _mm512_castps512_ps256(acc[r + 1]), 1), _mm512_shuffle_f32x4(acc[r + 1], half[r / 2], 0xee)};
#pragma GCC unroll 3
                for (int s = 0; s < 3; s++, y += 16, residual += 16) {
                    __asm__("" : "+r"(y), "+r"(residual));
                    _mm512_storeu_ps(y, finished(t, three[s], residual, 0xffff, 0));
                }
                continue;
            }
#pragma GCC unroll 2
            for (int s = 0; s < 2; s++, y += ldc, residual += ldc) {
                __asm__("" : "+r"(y), "+r"(residual));
                _mm512_storeu_ps(y, finished(t, acc[r + s], residual, 0xffff, 0));
                __m256 w = s ? _mm512_extractf32x8_ps(half[r / 2], 1) : _mm512_castps512_ps256(half[r / 2]);
                if (t->residual) w = _mm256_add_ps(w, _mm256_maskz_loadu_ps(tail, residual + 16));
                _mm256_mask_storeu_ps(y + 16, tail, _mm256_min_ps(_mm256_set1_ps(t->hi), _mm256_max_ps(_mm256_set1_ps(t->lo), w)));
            }
        }
    }
}

static void run_1(const el_tile* t, int64_t tiles) { run_body(t, tiles, 1, 0); }
static void run_2(const el_tile* t, int64_t tiles) { run_body(t, tiles, 2, 0); }
static void el_run_less(const el_tile* t) { run_body(t, 1, 2, 1); }

/* A line of windows, R outputs at a time; where R does not divide their number, the last R compute some outputs a second time. halves: there are two panels
 * of which the second has 8 columns or fewer; registers as in tile_half. */
static inline __attribute__((always_inline)) void windows_body(const el_windows* v, int64_t outputs, const int R, const int P, const int halves, const int64_t step) {
    const __mmask16 tail = (__mmask16)((1u << v->tail) - 1), last = halves ? 0xffff : tail;
    const int64_t panel = v->b_panel, ldc = v->ldc;
    const int N = __builtin_constant_p(step) ? R : 3;
    __m512 start[2], start_half = _mm512_setzero_ps();
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) start[p] = v->bias ? _mm512_maskz_loadu_ps(p == P - 1 ? last : 0xffff, v->bias + p * 16) : _mm512_setzero_ps();
    if (halves && v->bias) start_half = _mm512_broadcast_f32x8(_mm256_maskz_loadu_ps((__mmask8)tail, v->bias + 16));
    for (int64_t first = 0; first < outputs; first += R) {
        if (first + R > outputs) first = outputs - R;
        __m512 acc[28], half[8];
#pragma GCC unroll 28
        for (int i = 0; i < R * P; i++) acc[i] = start[i % P];
#pragma GCC unroll 8
        for (int h = 0; h < R / 2; h++) half[h % 8] = start_half;
        const float* b = v->b;
        const int inside = first >= v->from && first + R <= v->to;
        const float* const* lines = inside ? v->lines : v->edges;
        const int64_t at = first * step - (inside ? v->left : 0);
        for (int32_t ky = 0; ky < v->kh; ky++) {
            const float* a[6]; /* where windows begin: N outputs for each, 0, 1 or 2 steps further, or any number of steps that the compiler knows */
#pragma GCC unroll 6
            for (int q = 0; N * q < R; q++) a[q] = lines[ky] + at + N * q * step;
            for (int32_t n = v->length; n > 0; n--, b += 16) {
                __m512 bv[2], bh = _mm512_setzero_ps(), even = bh;
#pragma GCC unroll 2
                for (int p = 0; p < P; p++) bv[p] = _mm512_loadu_ps(b + p * panel);
                if (halves) bh = _mm512_broadcast_f32x8(_mm256_loadu_ps(b + panel));
#pragma GCC unroll 16
                for (int r = 0; r < R; r++) {
                    const __m512 av = _mm512_set1_ps(a[r / N][r % N * step]);
#pragma GCC unroll 2
                    for (int p = 0; p < P; p++) acc[r * P + p] = _mm512_fmadd_ps(av, bv[p], acc[r * P + p]);
                    if (halves && r % 2) half[r / 2] = _mm512_fmadd_ps(_mm512_mask_blend_ps(0xff00, even, av), bh, half[r / 2]);
                    even = av;
                }
#pragma GCC unroll 6
                for (int q = 0; N * q < R; q++) a[q]++;
            }
        }
        float* y = v->y + first * ldc;
#pragma GCC unroll 16
        for (int r = 0; r < R; r++, y += ldc) {
            __asm__("" : "+r"(y));
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) _mm512_mask_storeu_ps(y + p * 16, p == P - 1 ? last : 0xffff, ended(acc[r * P + p], v->act == EL_ACT_HARD_SWISH, v->lo, v->hi));
            if (!halves) continue;
            if (r % 2 == 0) half[r / 2] = ended(half[r / 2], v->act == EL_ACT_HARD_SWISH, v->lo, v->hi);
            __m256 out = r % 2 ? _mm512_extractf32x8_ps(half[r / 2], 1) : _mm512_castps512_ps256(half[r / 2]);
            EL_VKEEP(out); /* else compilers extract and store under the mask in one instruction, which may fault at addresses that the mask leaves out */
            _mm256_mask_storeu_ps(y + 16, (__mmask8)tail, out);
        }
    }
}

/* Windows so narrow that a row of those of two neighbouring outputs fits into one register, and 8 columns or fewer. That register is loaded once for each
 * kernel row; for each step of K a permutation takes the numbers of both outputs out of it. */
static void windows_within(const el_windows* v, int64_t outputs) {
    const __mmask8 tail = (__mmask8)((1u << v->tail) - 1);
    const __mmask16 used = (__mmask16)((1u << (v->length + v->step)) - 1);
    const __m512i one = _mm512_set1_epi32(1), places = _mm512_mask_set1_epi32(_mm512_setzero_si512(), 0xff00, (int)v->step);
    const __m512 start = v->bias ? _mm512_broadcast_f32x8(_mm256_maskz_loadu_ps(tail, v->bias)) : _mm512_setzero_ps();
    for (int64_t first = 0; first < outputs; first += 16) {
        if (first + 16 > outputs) first = outputs - 16;
        __m512 acc[8], x[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) acc[i] = start;
        const float* b = v->b;
        const int inside = first >= v->from && first + 16 <= v->to;
        for (int32_t ky = 0; ky < v->kh; ky++) {
            const float* a = inside ? v->lines[ky] + first * v->step - v->left : v->edges[ky] + first * v->step;
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) x[i] = _mm512_maskz_loadu_ps(used, a + 2 * i * v->step);
            __m512i at = places;
            for (int32_t n = v->length; n > 0; n--, b += 16, at = _mm512_add_epi32(at, one)) {
                const __m512 bv = _mm512_broadcast_f32x8(_mm256_loadu_ps(b));
#pragma GCC unroll 8
                for (int i = 0; i < 8; i++) acc[i] = _mm512_fmadd_ps(_mm512_permutexvar_ps(at, x[i]), bv, acc[i]);
            }
        }
        float* y = v->y + first * v->ldc;
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++, y += 2 * v->ldc) {
            const __m512 out = ended(acc[i], v->act == EL_ACT_HARD_SWISH, v->lo, v->hi);
            __m256 odd = _mm512_extractf32x8_ps(out, 1);
            EL_VKEEP(odd); /* as above */
            _mm256_mask_storeu_ps(y, tail, _mm512_castps512_ps256(out));
            _mm256_mask_storeu_ps(y + v->ldc, tail, odd);
        }
    }
}

static void windows_1(const el_windows* v, int64_t outputs) {
    if (v->tail <= 8 && v->length + v->step <= 16) windows_within(v, outputs);
    else if (v->step == 6) windows_body(v, outputs, 16, 1, 0, 6); /* three channels, stride 2 */
    else windows_body(v, outputs, 16, 1, 0, v->step);
}
static void windows_half(const el_windows* v, int64_t outputs) { windows_body(v, outputs, 16, 1, 1, v->step); }
static void windows_2(const el_windows* v, int64_t outputs) { windows_body(v, outputs, 14, 2, 0, v->step); }

#define EL_WINDOWS 16
#define EL_WINDOWS_PANELS 2
#define el_windows_activates(kind) ((kind) == EL_ACT_HARD_SWISH)
static inline el_windows_fn el_windows_kernel(int32_t panels, int32_t tail) {
    return panels == 1 ? windows_1 : tail <= 8 ? windows_half : windows_2;
}

#define TILE(R, P)                                                                                                     \
    static void tile_##R##_##P(const el_tile* t) {                                                                     \
        if (P == 2 && R > 4 && t->tail <= 8) tile_half(t, R);                                                          \
        else tile_body(t, R, P);                                                                                       \
    }
/* Only the last rows of a matrix make tiles of such heights, for which kernels of their own would take 24 kB: they are done as two tiles. */
#define TWO_TILES(R, UPPER, LOWER, P)                                                                                  \
    static void tile_##R##_##P(const el_tile* t) {                                                                     \
        el_tile lower = *t;                                                                                            \
        lower.a += UPPER;                                                                                              \
        lower.off += UPPER;                                                                                            \
        tile_##UPPER##_##P(t);                                                                                         \
        tile_##LOWER##_##P(&lower);                                                                                    \
    }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(8, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(8, 2) TILE(12, 2)
TWO_TILES(7, 4, 3, 1) TWO_TILES(9, 5, 4, 1) TWO_TILES(10, 5, 5, 1) TWO_TILES(11, 6, 5, 1)
TWO_TILES(7, 4, 3, 2) TWO_TILES(9, 5, 4, 2) TWO_TILES(10, 5, 5, 2) TWO_TILES(11, 6, 5, 2)
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(1, 8)
TILE(7, 3) TWO_TILES(7, 4, 3, 4)

static const el_tile_fn tiles[4][12] = {
    {tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1, tile_7_1, tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1},
    {tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2, tile_7_2, tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2},
    {tile_1_4, tile_2_4, tile_3_4, tile_4_4},
    {tile_1_8},
};

#define EL_RUNS 1
static inline int el_run_activates(int32_t kind, int32_t panels, int32_t tail) { return (panels == 1 || tail > 8) && (kind == EL_ACT_HARD_SWISH || kind == EL_ACT_SILU); }
static inline el_run_fn el_run_kernel(int32_t panels, int32_t tail) {
    return panels == 1 ? run_1 : panels != 2 ? NULL : tail <= 8 ? run_half : run_2;
}
#define EL_RUN_LESS
#define EL_MR 12
#define EL_KC 4096
#define EL_WIDE(R) ((R) == 1 ? 8 : (R) <= 4 ? 4 : 2)
#define EL_LOW 7
static inline el_tile_fn el_tile_kernel(int32_t rows, int32_t panels) {
    if (rows == 7 && panels > 2) return panels == 3 ? tile_7_3 : tile_7_4;
    return tiles[panels == 8 ? 3 : panels >> 1][rows - 1];
}
#include "gemm_f32.h"

EL_GEMM_F32_KERNELS(avx512)
