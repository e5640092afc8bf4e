/* int8 tiles with AVX512-VNNI. A lane holds one column; VPDPBUSD adds 4 products of unsigned x by signed w exactly, so bands
 * hold x+128 (x xor 0x80) and the start value takes 128*wsum off.
 * 6 rows x 4 panels keep 24 accumulators, 4 weight registers and one broadcast: 24 VPDPBUSD per 10 loads. */
#include "qfinish512.h"
#include "qfinish_near.h"
#include <string.h>

EL_KERNEL(qconv_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qgemm_s8, avx512vnni, el_qgemm_params)
EL_KERNEL(qconv_s16, avx512vnni, el_qconv_params)
EL_KERNEL(qgemm_s16, avx512vnni, el_qgemm_params)

/* acc[row][64] = start + A*B for MR rows from r0 on and NP panels. ahead: bytes from B to weights that will be needed soon, which are fetched meanwhile
 * at the pace of one panel. */
EL_INLINE void core(const el_qtile* t, int32_t r0, int64_t ahead, int32_t* out, const int MR, const int NP) {
    __m512i acc[8][4], b[4];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_load_si512(t->panels[p].start);
    const int8_t* const* rows = t->rows + r0;
    const size_t stride = t->panel_bytes;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)t->segs[s].first * 64;
        const int8_t* a[8];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            _mm_prefetch((const char*)w + ahead, _MM_HINT_T1);
            EL_UNROLL for (int p = 0; p < NP; p++) b[p] = _mm512_load_si512(w + (size_t)p * stride);
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                __m512i x = _mm512_set1_epi32(quad);
                EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], x, b[p]);
            }
        }
    }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < NP; p++) _mm512_store_si512(out + r * 64 + p * 16, acc[r][p]);
}

/* One panel: loads are what limits it, so one broadcast of 8 bytes serves two quads. Two weight vectors are interleaved to
 * dwords (column 4l: k, k+1, column 4l+1: k, k+1) and those of columns 4l+2, 4l+3 of every 128-bit lane l; sums of the two
 * quads of a column lie side by side until the end. */
EL_INLINE void core_pairs(const el_qtile* t, int32_t r0, int32_t* out, const int MR) {
    __m512i acc[8][2];
    EL_UNROLL for (int r = 0; r < MR; r++) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)t->segs[s].first * 64;
        const int8_t* a[8];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 4, k = 0;
        for (; k + 8 <= bytes; k += 8, w += 128) {
            __m512i b0 = _mm512_load_si512(w), b1 = _mm512_load_si512(w + 64);
            __m512i lo = _mm512_unpacklo_epi32(b0, b1), hi = _mm512_unpackhi_epi32(b0, b1);
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int64_t quads;
                memcpy(&quads, a[r] + k, 8);
                __m512i x = _mm512_set1_epi64(quads);
                acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], x, lo);
                acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], x, hi);
            }
        }
        if (k < bytes) {
            __m512i b = _mm512_load_si512(w), none = _mm512_setzero_si512();
            __m512i lo = _mm512_unpacklo_epi32(b, none), hi = _mm512_unpackhi_epi32(b, none);
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                __m512i x = _mm512_set1_epi32(quad);
                acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], x, lo);
                acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], x, hi);
            }
        }
    }
    const __m512i start = _mm512_load_si512(t->panels[0].start);
    EL_UNROLL for (int r = 0; r < MR; r++) {
        __m512 lo = _mm512_castsi512_ps(acc[r][0]), hi = _mm512_castsi512_ps(acc[r][1]);
        __m512i first = _mm512_castps_si512(_mm512_shuffle_ps(lo, hi, 0x88)), second = _mm512_castps_si512(_mm512_shuffle_ps(lo, hi, 0xdd));
        _mm512_store_si512(out + r * 64, _mm512_add_epi32(_mm512_add_epi32(first, second), start));
    }
}
static __attribute__((noinline)) void core_8x1(const el_qtile* t, int32_t r0, int64_t ahead, int32_t* out) { core_pairs(t, r0, out, 8); }

/* One row: two sums per column, so that products do not wait for each other. */
EL_INLINE void core_row(const el_qtile* t, int32_t r0, int32_t* out, const int NP) {
    __m512i acc[2][4];
    EL_UNROLL for (int p = 0; p < NP; p++) acc[0][p] = _mm512_load_si512(t->panels[p].start), acc[1][p] = _mm512_setzero_si512();
    const size_t stride = t->panel_bytes;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t *w = t->b + (size_t)t->segs[s].first * 64, *a = t->rows[r0] + t->segs[s].offset, *end = a + (int64_t)t->segs[s].quads * 4;
        int32_t quad[2];
        for (; a + 8 <= end; a += 8, w += 128) {
            memcpy(quad, a, 8);
            EL_UNROLL for (int i = 0; i < 2; i++) {
                __m512i x = _mm512_set1_epi32(quad[i]);
                EL_UNROLL for (int p = 0; p < NP; p++) acc[i][p] = _mm512_dpbusd_epi32(acc[i][p], x, _mm512_load_si512(w + i * 64 + (size_t)p * stride));
            }
        }
        if (a < end) {
            memcpy(quad, a, 4);
            EL_UNROLL for (int p = 0; p < NP; p++) acc[0][p] = _mm512_dpbusd_epi32(acc[0][p], _mm512_set1_epi32(quad[0]), _mm512_load_si512(w + (size_t)p * stride));
        }
    }
    EL_UNROLL for (int p = 0; p < NP; p++) _mm512_store_si512(out + p * 16, _mm512_add_epi32(acc[0][p], acc[1][p]));
}
static __attribute__((noinline)) void core_1x4(const el_qtile* t, int32_t r0, int64_t ahead, int32_t* out) { core_row(t, r0, out, 4); }

#define CORE(mr, np) \
    static __attribute__((noinline)) void core_##mr##x##np(const el_qtile* t, int32_t r0, int64_t ahead, int32_t* out) { \
        core(t, r0, ahead, out, mr, np); \
    }
CORE(6, 4) CORE(6, 3) CORE(3, 4) CORE(3, 3) CORE(1, 3) CORE(8, 2) CORE(4, 2) CORE(1, 2) CORE(4, 1) CORE(1, 1)

/* acc[row_count][64] to y; a missing second row repeats the first */
EL_INLINE void finish_panels(const el_qtile* t, const int32_t* acc, const int once) {
    const el_qlimits limits = qlimits(t->y_zero, t->y_min, t->y_max);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __mmask64 valid = ~0ull >> (64 - t->columns);
    for (int32_t r = 0; r < t->row_count; r += 2, acc += 128) {
        int32_t next = r + 1 < t->row_count ? 1 : 0;
        __m512i v[2][4];
        EL_UNROLL for (int p = 0; p < 4; p++) {
            v[0][p] = v[1][p] = _mm512_setzero_si512();
            if (p < t->panel_count) {
                v[0][p] = _mm512_load_si512(acc + p * 16);
                v[1][p] = _mm512_load_si512(acc + next * 64 + p * 16);
                requantize2(&v[0][p], &v[1][p], &t->panels[p], t->shifts & EL_QSHIFT_LEFT, once);
            }
        }
        store_valid(t->y[r] + t->y_column, valid, _mm512_permutexvar_epi32(order, narrow4(v[0], limits)));
        store_valid(t->y[r + next] + t->y_column, valid, _mm512_permutexvar_epi32(order, narrow4(v[1], limits)));
    }
}

static __attribute__((noinline)) void finish_twice(const el_qtile* t, const int32_t* acc) { finish_panels(t, acc, 0); }
static __attribute__((noinline)) void finish_exact(const el_qtile* t, const int32_t* acc, int32_t row, int32_t count) {
    el_qtile some = *t;
    some.y += row, some.row_count = count;
    finish_panels(&some, acc, 1);
}

/* A few rows at a time: a question after each of them would take as long as a panel. */
EL_INLINE void finish_rows(const el_qtile* t, const int32_t* acc, const int32_t tail, const int NP) {
    const q_near n = q_near_load(t);
    const el_qpanel* panels = t->panels;
    int8_t* const* y = t->y;
    const int64_t column = t->y_column;
    for (int32_t r = 0, rows = t->row_count; r < rows; r += 4) {
        const int32_t count = rows - r < 4 ? rows - r : 4;
        const int32_t* sums = acc + r * 64;
        __m512i least = _mm512_set1_epi32(Q_NEAR_BELOW);
        for (int32_t i = 0; i < count; i++) least = q_near_row(panels, sums + i * 64, &n, least, y[r + i] + column, tail, NP);
        if (__builtin_expect(_mm512_testn_epi32_mask(least, least) != 0, 0)) finish_exact(t, sums, r, count);
    }
}
EL_INLINE void finish_near(const el_qtile* t, const int32_t* acc, const int NP) {
    if (t->columns == NP * 16) finish_rows(t, acc, 16, NP);
    else finish_rows(t, acc, t->columns - (NP - 1) * 16, NP);
}
#define FINISH(np) \
    static __attribute__((noinline)) void finish_##np(const el_qtile* t, const int32_t* acc) { finish_near(t, acc, np); }
FINISH(1) FINISH(2) FINISH(3) FINISH(4)

typedef void (*core_fn)(const el_qtile*, int32_t, int64_t, int32_t*);

static void tile(const el_qtile* t) {
    static const core_fn cores[4][3] = {{core_8x1, core_4x1, core_1x1}, {core_8x2, core_4x2, core_1x2},
                                        {core_6x3, core_3x3, core_1x3}, {core_6x4, core_3x4, core_1x4}};
    const core_fn* row = cores[t->panel_count - 1];
    int32_t full = t->panel_count > 2 ? 6 : 8, half = full / 2;
    _Alignas(64) int32_t own[(EL_QROWS + 8) * 64], *acc = t->sums ? t->sums : own;
    for (int32_t r = 0; r < t->row_count;) {
        int32_t rest = t->row_count - r, step = rest > half ? full : rest > 1 ? half : 1;
        int64_t ahead = r / full < t->ahead ? (int64_t)t->panel_bytes * (t->panel_count + r / full) : 0;
        row[step == full ? 0 : step == half ? 1 : 2](t, r, ahead, acc + r * 64);
        r += step;
    }
    if (t->sums) return;
    static void (*const finishes[4])(const el_qtile*, const int32_t*) = {finish_1, finish_2, finish_3, finish_4};
    (t->once ? finishes[t->panel_count - 1] : finish_twice)(t, acc);
}

EL_QMAT_KERNELS(avx512vnni, tile, 128, 1)
