/* int8 tiles with AVX512-VNNI. A lane holds one column; VPDPBUSD adds 4 products of unsigned x by signed w exactly, so x is
 * turned into x+128 (xor 0x80) as it is broadcast and the start value takes 128*wsum off.
 * 6 rows x 4 panels keep 24 accumulators, 4 weight registers and one broadcast: 24 VPDPBUSD per 10 loads. */
#include "qmat.h"
#include "qvec.h"

EL_KERNEL(qconv_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avx512vnni, el_qconv_params)
EL_KERNEL(qgemm_s8, avx512vnni, el_qgemm_params)

/* acc[row][64] = start + A*B for MR rows from r0 on and NP panels from p0 on */
EL_INLINE void core(const el_qtile* t, int32_t r0, int32_t p0, int32_t* out, const int MR, const int NP) {
    __m512i acc[8][4], b[4];
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_load_si512(t->panels[p0 + p].start);
    const int8_t* const* rows = t->rows + r0;
    const size_t stride = t->panel_bytes;
    for (int32_t s = 0; s < t->seg_count; s++, rows += EL_QROWS) {
        const int8_t* w = t->b + (size_t)p0 * stride + (size_t)t->segs[s].first * 64;
        const int8_t* a[8];
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r];
        int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            EL_UNROLL for (int p = 0; p < NP; p++) b[p] = _mm512_load_si512(w + (size_t)p * stride);
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                __m512i x = _mm512_xor_si512(_mm512_set1_epi32(quad), flip);
                EL_UNROLL for (int p = 0; p < NP; p++) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], x, b[p]);
            }
        }
    }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int p = 0; p < NP; p++) _mm512_store_si512(out + r * 64 + (p0 + p) * 16, acc[r][p]);
}

#define CORE(mr, np) \
    static __attribute__((noinline)) void core_##mr##x##np(const el_qtile* t, int32_t r0, int32_t p0, int32_t* out) { \
        core(t, r0, p0, out, mr, np); \
    }
CORE(6, 4) CORE(6, 3) CORE(3, 4) CORE(3, 3) CORE(1, 4) CORE(1, 3) CORE(8, 2) CORE(4, 2) CORE(1, 2) CORE(8, 1) CORE(4, 1) CORE(1, 1)

EL_INLINE __m512i requantize(__m512i a, const el_qpanel* e, int left) {
    if (left) a = _mm512_sllv_epi32(a, _mm512_load_si512(e->left));
    __m512i m = _mm512_load_si512(e->multiplier), right = _mm512_load_si512(e->right);
    /* 0/1 per lane in 64 bits, then * 2^31: taken off where a < 0 and right > 0 */
    __mmask16 down = _mm512_mask_test_epi32_mask(_mm512_movepi32_mask(a), right, right);
    __m512i carry = _mm512_maskz_mov_epi32(down, _mm512_set1_epi32((int32_t)0x80000000u));
    __m512i even = _mm512_mul_epi32(a, m), odd = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(m, 32));
    __m512i low = _mm512_and_si512(carry, _mm512_set1_epi64(0xffffffff));
    even = _mm512_sub_epi64(_mm512_add_epi64(even, _mm512_load_si512(e->round[0])), low);
    odd = _mm512_sub_epi64(_mm512_add_epi64(odd, _mm512_load_si512(e->round[1])), _mm512_srli_epi64(carry, 32));
    even = _mm512_srav_epi64(even, _mm512_load_si512(e->shift[0]));
    odd = _mm512_srav_epi64(odd, _mm512_load_si512(e->shift[1]));
    return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}

/* y = clamp(requantize(acc) + y_zero): int16 saturation before adding y_zero cannot change a result that is clamped to int8 */
static __attribute__((noinline)) void finish(const el_qtile* t, int32_t r0, int32_t count, const int32_t* acc) {
    const __m512i zero = _mm512_set1_epi16((int16_t)t->y_zero);
    const __m512i lo = _mm512_set1_epi8((char)t->y_min), hi = _mm512_set1_epi8((char)t->y_max);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __mmask64 valid = ~0ull >> (64 - t->columns);
    for (int32_t r = 0; r < count; r++, acc += 64) {
        __m512i v[4];
        for (int p = 0; p < 4; p++)
            v[p] = p < t->panel_count ? requantize(_mm512_load_si512(acc + p * 16), &t->panels[p], t->any_left)
                                      : _mm512_setzero_si512();
        __m512i v01 = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), zero);
        __m512i v23 = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), zero);
        __m512i y = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(v01, v23));
        _mm512_mask_storeu_epi8(t->y[r0 + r], valid, _mm512_min_epi8(_mm512_max_epi8(y, lo), hi));
    }
}

typedef void (*core_fn)(const el_qtile*, int32_t, int32_t, int32_t*);

static void tile(const el_qtile* t) {
    static const core_fn cores[4][3] = {{core_8x1, core_4x1, core_1x1}, {core_8x2, core_4x2, core_1x2},
                                        {core_6x3, core_3x3, core_1x3}, {core_6x4, core_3x4, core_1x4}};
    const core_fn* row = cores[t->panel_count - 1];
    int32_t full = t->panel_count > 2 ? 6 : 8, half = full / 2;
    _Alignas(64) int32_t acc[8 * 64];
    for (int32_t r = 0; r < t->row_count;) {
        int32_t rest = t->row_count - r, step = rest > half ? full : rest > 1 ? half : 1;
        row[step == full ? 0 : step == half ? 1 : 2](t, r, 0, acc);
        finish(t, r, rest < step ? rest : step, acc);
        r += step;
    }
}

EL_QMAT_KERNELS(avx512vnni, tile, 128)
