/* int8 tiles with AVX512-VNNI. A lane holds one column; VPDPBUSD adds 4 products of unsigned x by signed w exactly, so x becomes
 * x+128 (x xor 0x80), in the band or as it is read, and the start value takes 128*wsum off.
 * 6 rows x 4 panels keep 24 accumulators, 4 weight registers and one broadcast: 24 VPDPBUSD per 10 loads.
 * Where one row were left alone and nothing is in doubt, 7 x 4 keep 28 accumulators and read the weights of three panels again for each row. */
#include "qmat_finish.h"
#include "qwinograd.h"

EL_KERNEL(qconv_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qgemm_s8, avx512vnni, el_qgemm_params)
EL_KERNEL(qconv_s16, avx512vnni, el_qconv_params)
EL_KERNEL(qgemm_s16, avx512vnni, el_qgemm_params)

/* What is in doubt of sums[panels][16] of a row of its own each. */
static __attribute__((noinline)) void repair(const el_qtile* t, const int32_t* sums, int32_t r, int32_t rows) {
    for (; rows > 0; rows--, r++, sums += t->panel_count * 16)
        q_near_repair(sums, t->panel_count, t->panels, 1, t->y_zero, t->y_min, t->y_max, 1, t->y[r] + t->y_column, 16);
}

/* What becomes of the sums of MR rows from r0 on and NP panels: t->sums, or y, rounded once from registers. Four vectors, of one or several rows, become bytes at
 * once; a few rows at a time are asked for doubt, unless EXACT. Rows and panels past the last repeat it. */
EL_INLINE void finish(const el_qtile* t, int32_t r0, __m512i acc[8][4], const int MR, const int NP, const int EXACT) {
    if (t->sums) {
        int32_t* sums = t->sums + r0 * 64;
        EL_UNROLL for (int r = 0; r < MR; r++)
            EL_UNROLL for (int p = 0; p < NP; p++) _mm512_store_si512(sums + r * 64 + p * 16, acc[r][p]);
        return;
    }
    const int ROWS = NP > 2 ? 1 : 4 / NP, ASKED = MR < 8 / NP ? MR : MR % (8 / NP) ? 1 : 8 / NP; /* that share four vectors; that are asked together */
    const q_near n = q_near_load(t->y_zero, t->y_min, t->y_max);
    const int64_t column = t->y_column;
    const uint64_t columns = ~0ull >> (64 - t->columns);
    q_near_columns c[4];
    EL_UNROLL for (int p = 0; p < NP; p++) c[p] = q_near_columns_load(&t->panels[p], &n, EXACT);
    EL_UNROLL for (int first = 0; first < MR; first += ASKED) {
        q16 least = q16_set(-1);
        EL_UNROLL for (int r = first; r < first + ASKED; r += ROWS) {
            int8_t* const* y = t->y + r0 + r;
            q16 u[4];
            EL_UNROLL for (int v = 0; v < 4; v++) {
                const int row = NP > 2 ? r : r + v / NP < MR ? r + v / NP : MR - 1, p = NP > 2 ? (v < NP ? v : NP - 1) : v % NP;
                u[v] = q_near_of((q16){acc[row][p]}, &c[p], &n, 1, EXACT);
                if (!EXACT) least = q16_min_u16(least, u[v]);
            }
            const __m512i bytes = q16_bytes(u, n.bounds, EXACT);
            if (NP > 2) _mm512_mask_storeu_epi8(y[0] + column, columns, bytes);
            if (NP == 2) _mm256_mask_storeu_epi8(y[0] + column, (__mmask32)columns, _mm512_castsi512_si256(bytes));
            if (NP == 2 && MR > 1) _mm256_mask_storeu_epi8(y[1] + column, (__mmask32)columns, _mm512_extracti64x4_epi64(bytes, 1));
            if (NP == 1) _mm_mask_storeu_epi8(y[0] + column, (__mmask16)columns, _mm512_castsi512_si128(bytes));
            if (NP == 1 && MR > 1) {
                _mm_mask_storeu_epi8(y[1] + column, (__mmask16)columns, _mm512_extracti32x4_epi32(bytes, 1));
                _mm_mask_storeu_epi8(y[2] + column, (__mmask16)columns, _mm512_extracti32x4_epi32(bytes, 2));
                _mm_mask_storeu_epi8(y[3] + column, (__mmask16)columns, _mm512_extracti32x4_epi32(bytes, 3));
            }
        }
        if (!EXACT && __builtin_expect(q16_low_below(least, Q_NEAR_DOUBT) != 0, 0)) {
            _Alignas(64) int32_t sums[8 * 16];
            EL_UNROLL for (int r = 0; r < ASKED; r++)
                EL_UNROLL for (int p = 0; p < NP; p++) _mm512_store_si512(sums + (r * NP + p) * 16, acc[first + r][p]);
            repair(t, sums, r0 + first, ASKED);
        }
    }
}

/* start + A*B for MR rows from r0 on and NP panels. ahead: bytes from B to weights that will be needed soon, which are fetched
 * meanwhile at the pace of one panel. */
EL_INLINE void core(const el_qtile* t, int32_t r0, const int MR, const int NP, const int EXACT) {
    const int64_t ahead = r0 / MR < t->ahead ? (int64_t)t->panel_bytes * (t->panel_count + r0 / MR) : 0;
    __m512i acc[8][4], b[4];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_load_si512(t->panels[p].start);
    const int8_t* const* rows = t->rows + r0;
    const size_t stride = t->panel_bytes;
    const __m512i flip = _mm512_set1_epi8((char)t->flip);
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
                if (MR * NP > 24) {
                    const int8_t* again = w;
                    __asm__ volatile("" : "+r"(again)); /* so that weights are no values in registers, which are all taken */
                    EL_UNROLL for (int p = 1; p < NP; p++) b[p] = _mm512_load_si512(again + (size_t)p * stride);
                }
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(quad));
                EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], x, b[p]);
            }
        }
    }
    finish(t, r0, acc, MR, NP, EXACT);
}

/* 24 columns of 8 rows, nothing in doubt: the last 8 of two rows share a vector, the second row above. */
EL_INLINE void core_24(const el_qtile* t, int32_t r0) {
    const el_qpanel* e = t->panels;
    __m512i acc[8], last[4];
    EL_UNROLL for (int r = 0; r < 8; r++) acc[r] = _mm512_load_si512(e[0].start);
    EL_UNROLL for (int r = 0; r < 4; r++) last[r] = _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i*)e[1].start));
    const int8_t* const* rows = t->rows + r0;
    const __m512i flip = _mm512_set1_epi8((char)t->flip);
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)t->segs[s].first * 64;
        const int8_t* a[8];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < 8; r++) a[r] = rows[r] + offset;
        const int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            const __m512i b = _mm512_load_si512(w), b_last = _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i*)(w + t->panel_bytes)));
            EL_UNROLL for (int r = 0; r < 8; r += 2) {
                int32_t quad[2];
                memcpy(&quad[0], a[r] + k, 4), memcpy(&quad[1], a[r + 1] + k, 4);
                const __m512i x0 = _mm512_xor_si512(flip, _mm512_set1_epi32(quad[0])), x1 = _mm512_xor_si512(flip, _mm512_set1_epi32(quad[1]));
                acc[r] = _mm512_dpbusd_epi32(acc[r], x0, b);
                acc[r + 1] = _mm512_dpbusd_epi32(acc[r + 1], x1, b);
                last[r / 2] = _mm512_dpbusd_epi32(last[r / 2], _mm512_mask_blend_epi32(0xff00, x0, x1), b_last);
            }
            EL_UNROLL for (int r = 0; r < 4; r++) __asm__("" : "+v"(last[r])); /* or GCC copies all sums in every round */
            EL_UNROLL for (int r = 0; r < 8; r++) __asm__("" : "+v"(acc[r]));
        }
    }
    const q_near n = q_near_load(t->y_zero, t->y_min, t->y_max);
    const q_near_columns c = q_near_columns_load(&e[0], &n, 1);
    const q_near_columns c_last = {_mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_load_pd((const double*)(const void*)e[1].whole))),
                                   _mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_load_pd((const double*)(const void*)e[1].base)))};
    int8_t* y[8];
    q16 u[4];
    EL_UNROLL for (int r = 0; r < 8; r++) y[r] = t->y[r0 + r] + t->y_column;
    EL_UNROLL for (int h = 0; h < 8; h += 4) {
        EL_UNROLL for (int i = 0; i < 4; i++) u[i] = q_near_of((q16){acc[h + i]}, &c, &n, 1, 1);
        q16_store_rows(u, n.bounds, y + h, 1);
    }
    EL_UNROLL for (int i = 0; i < 4; i++) u[i] = q_near_of((q16){last[i]}, &c_last, &n, 1, 1);
    _Alignas(64) int8_t bytes[64];
    _mm512_store_si512(bytes, q16_bytes(u, n.bounds, 1));
    EL_UNROLL for (int r = 0; r < 8; r++) memcpy(y[r] + 16, bytes + r * 8, 8);
}

/* One panel: loads are what limits it, so one broadcast of 8 bytes serves two quads. Two weight vectors are interleaved to
 * dwords (column 4l: k, k+1, column 4l+1: k, k+1) and those of columns 4l+2, 4l+3 of every 128-bit lane l; sums of the two
 * quads of a column lie side by side until the end. */
EL_INLINE void core_pairs(const el_qtile* t, int32_t r0, const int MR, const int EXACT) {
    __m512i acc[8][4];
    EL_UNROLL for (int r = 0; r < MR; r++) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
    const int8_t* const* rows = t->rows + r0;
    const __m512i flip = _mm512_set1_epi8((char)t->flip);
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
                __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi64(quads));
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
                __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(quad));
                acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], x, lo);
                acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], x, hi);
            }
        }
    }
    const __m512i start = _mm512_load_si512(t->panels[0].start);
    EL_UNROLL for (int r = 0; r < MR; r++) {
        __m512 lo = _mm512_castsi512_ps(acc[r][0]), hi = _mm512_castsi512_ps(acc[r][1]);
        __m512i first = _mm512_castps_si512(_mm512_shuffle_ps(lo, hi, 0x88)), second = _mm512_castps_si512(_mm512_shuffle_ps(lo, hi, 0xdd));
        acc[r][0] = _mm512_add_epi32(_mm512_add_epi32(first, second), start);
    }
    finish(t, r0, acc, MR, 1, EXACT);
}

/* One row: two sums per column, so that products do not wait for each other. */
EL_INLINE void core_row(const el_qtile* t, int32_t r0, const int NP) {
    __m512i acc[8][4];
    EL_UNROLL for (int p = 0; p < NP; p++) acc[0][p] = _mm512_load_si512(t->panels[p].start), acc[1][p] = _mm512_setzero_si512();
    const size_t stride = t->panel_bytes;
    const __m512i flip = _mm512_set1_epi8((char)t->flip);
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t *w = t->b + (size_t)t->segs[s].first * 64, *a = t->rows[r0] + t->segs[s].offset, *end = a + (int64_t)t->segs[s].quads * 4;
        int32_t quad[2];
        for (; a + 8 <= end; a += 8, w += 128) {
            memcpy(quad, a, 8);
            EL_UNROLL for (int i = 0; i < 2; i++) {
                __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(quad[i]));
                EL_UNROLL for (int p = 0; p < NP; p++) acc[i][p] = _mm512_dpbusd_epi32(acc[i][p], x, _mm512_load_si512(w + i * 64 + (size_t)p * stride));
            }
        }
        if (a < end) {
            memcpy(quad, a, 4);
            EL_UNROLL for (int p = 0; p < NP; p++) acc[0][p] = _mm512_dpbusd_epi32(acc[0][p], _mm512_xor_si512(flip, _mm512_set1_epi32(quad[0])), _mm512_load_si512(w + (size_t)p * stride));
        }
    }
    EL_UNROLL for (int p = 0; p < NP; p++) acc[0][p] = _mm512_add_epi32(acc[0][p], acc[1][p]);
    finish(t, r0, acc, 1, NP, 0);
}

/* Windows of one segment of QUADS quads, so few that weights stay in registers: four vectors of sums at a time, of one or several rows, so that products of some rows go
 * along with conversions of others. */
EL_INLINE void core_still(const el_qtile* tile, const int QUADS, const int NP) {
    const int MR = 8 / NP;
    el_qtile t = *tile; /* which outputs do not overlap */
    t.sums = NULL;
    const __m512i flip = _mm512_set1_epi8((char)t.flip);
    __m512i b[8][4], start[4];
    EL_UNROLL for (int p = 0; p < NP; p++) {
        start[p] = _mm512_load_si512(t.panels[p].start);
        EL_UNROLL for (int k = 0; k < QUADS; k++) b[k][p] = _mm512_load_si512(t.b + (t.segs[0].first + k) * 64 + (size_t)p * t.panel_bytes);
    }
    const int64_t offset = t.segs[0].offset;
    for (int32_t r0 = 0; r0 < t.row_count; r0 += MR) {
        __m512i acc[8][4];
        const int8_t* a[8];
        EL_UNROLL for (int r = 0; r < MR; r++) {
            a[r] = t.rows[r0 + r] + offset;
            EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = start[p];
        }
        EL_UNROLL for (int k = 0; k < QUADS; k++)
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k * 4, 4);
                const __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(quad));
                EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], x, b[k][p]);
            }
        finish(&t, r0, acc, MR, NP, 1);
    }
}

typedef void (*core_fn)(const el_qtile*, int32_t);

/* `mr` rows at a time from r on, until at most `rest` are left. */
#define CORE(name, mr, rest, call) \
    static __attribute__((noinline)) void name(const el_qtile* t, int32_t r) { \
        do call; \
        while (t->row_count - (r += mr) > rest); \
    }
CORE(core_6x4, 6, 4, core(t, r, 6, 4, 0))
CORE(core_6x4_exact, 6, 4, core(t, r, 6, 4, 1))
CORE(core_7x4_exact, 7, 18, core(t, r, 7, 4, 1))
CORE(core_4x4, 4, 4, core(t, r, 4, 4, 0))
CORE(core_1x4, 1, 1, core_row(t, r, 4))
CORE(core_6x3, 6, 4, core(t, r, 6, 3, 0))
CORE(core_6x3_exact, 6, 4, core(t, r, 6, 3, 1))
CORE(core_4x3, 4, 4, core(t, r, 4, 3, 0))
CORE(core_1x3, 1, 1, core(t, r, 1, 3, 0))
CORE(core_8x2, 8, 4, core(t, r, 8, 2, 0))
CORE(core_8x2_exact, 8, 4, core(t, r, 8, 2, 1))
CORE(core_8x24_exact, 8, 4, core_24(t, r))
CORE(core_4x2, 4, 4, core(t, r, 4, 2, 0))
CORE(core_1x2, 1, 1, core(t, r, 1, 2, 0))
CORE(core_8x1, 8, 4, core_pairs(t, r, 8, 0))
CORE(core_8x1_exact, 8, 4, core_pairs(t, r, 8, 1))
CORE(core_4x1, 4, 4, core(t, r, 4, 1, 0))
CORE(core_1x1, 1, 1, core(t, r, 1, 1, 0))

#define STILL(name, quads, np) static __attribute__((noinline)) void name(const el_qtile* t, int32_t r) { core_still(t, quads, np); }
STILL(still_4x4, 4, 4)
STILL(still_4x2, 4, 2)
STILL(still_4x1, 4, 1)
STILL(still_6x1, 6, 1)
STILL(still_6x4, 6, 4)
STILL(still_7x1, 7, 1)
STILL(still_7x2, 7, 2)
STILL(still_7x4, 7, 4)
STILL(still_8x1, 8, 1)
STILL(still_8x4, 8, 4)

/* The core for any number of rows of such a tile, or NULL. */
static core_fn still(const el_qtile* t) {
    static const core_fn cores[5][EL_QPANELS] = {{still_4x1, still_4x2, NULL, still_4x4}, {NULL, NULL, NULL, NULL}, {still_6x1, NULL, NULL, still_6x4},
                                                 {still_7x1, still_7x2, NULL, still_7x4}, {still_8x1, NULL, NULL, still_8x4}};
    const int32_t quads = t->segs[0].quads;
    if (t->seg_count != 1 || !t->once || t->sums || (t->shifts & EL_QDOUBT) || quads < 4 || quads > 8) return NULL;
    return cores[quads - 4][t->panel_count - 1];
}

static int32_t most(const el_qtile* t) { return still(t) ? INT32_MAX : t->panel_count == EL_QPANELS && !(t->shifts & EL_QDOUBT) ? EL_QROWS + 1 : EL_QROWS; }

static void tile(const el_qtile* t) {
    /* of whole sets of rows, without and with outputs in doubt; of up to four rows and of one */
    static const core_fn cores[EL_QPANELS][4] = {{core_8x1_exact, core_8x1, core_4x1, core_1x1}, {core_8x2_exact, core_8x2, core_4x2, core_1x2},
                                                 {core_6x3_exact, core_6x3, core_4x3, core_1x3}, {core_6x4_exact, core_6x4, core_4x4, core_1x4}};
    const core_fn *some = cores[t->panel_count - 1], whole = t->row_count < 8 ? NULL : still(t);
    if (whole) {
        whole(t, 0);
        return;
    }
    const int32_t full = t->panel_count > 2 ? 6 : 8, rows = t->row_count, first = rows > EL_QROWS ? 7 : 0;
    const int32_t r = first + (rows - first + full - 5) / full * full; /* rows of whole sets: at most four are left */
    _Alignas(64) int32_t own[(EL_QROWS + 8) * 64];
    el_qtile stored;
    if (!t->once && !t->sums) stored = *t, stored.sums = own, t = &stored;
    if (first > 0) core_7x4_exact(t, 0);
    if (r > 0 && t->columns == 24 && !t->sums && !(t->shifts & EL_QDOUBT)) core_8x24_exact(t, first);
    else if (r > 0) some[(t->shifts & EL_QDOUBT) != 0](t, first);
    if (r < rows) some[rows - r == 1 ? 3 : 2](t, r);
    if (t->sums == own) finish_rows(t, own);
}

/* MR rows and 4 panels of a product of int16. */
EL_INLINE void words_core(const int16_t* v, int64_t v_row, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m, const int MR) {
    __m512i acc[7][4];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < 4; p++) acc[r][p] = _mm512_setzero_si512();
    for (int32_t left = quads; left > 0; left -= 16, v += 32)
        for (const int16_t* end = v + 2 * (left < 16 ? left : 16); v < end; v += 2, u += 64)
            EL_ROLLED for (int half = 0; half < 2; half++) {
                __m512i b[4];
                EL_UNROLL for (int p = 0; p < 4; p++) b[p] = _mm512_load_si512(u + half * 32 + p * u_panel);
                EL_UNROLL for (int r = 0; r < MR; r++) {
                    int32_t pair;
                    memcpy(&pair, v + r * v_row + half * 32, 4);
                    const __m512i x = _mm512_set1_epi32(pair);
                    const int16_t* again = u;
                    if (MR > 6) {
                        __asm__ volatile("" : "+r"(again));
                        b[3] = _mm512_load_si512(again + half * 32 + 3 * u_panel);
                    }
                    EL_UNROLL for (int p = 0; p < 4; p++) acc[r][p] = _mm512_dpwssd_epi32(acc[r][p], x, b[p]);
                }
            }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < 4; p++) _mm512_store_si512(m + r * 64 + p * 16, acc[r][p]);
}
static __attribute__((noinline)) void words_6(const int16_t* v, int64_t v_row, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m) {
    words_core(v, v_row, u, u_panel, quads, m, 6);
}
static __attribute__((noinline)) void words_7(const int16_t* v, int64_t v_row, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m) {
    words_core(v, v_row, u, u_panel, quads, m, 7);
}
static void qw_products(const int16_t* v, int64_t v_row, int64_t rows, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m) {
    for (int64_t step; rows > 0; rows -= step, v += step * v_row, m += step * 64) {
        step = rows % 6 && rows > 6 ? 7 : 6;
        (step == 7 ? words_7 : words_6)(v, v_row, u, u_panel, quads, m);
    }
}
EL_QMAT_KERNELS(avx512vnni, tile, 128, 1, 1, most, &el_qwinograd__avx512, qw_products)
