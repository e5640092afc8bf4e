/* The end of int8 tiles on AVX-512: requantization in its one-step 64-bit form (el_qpanel), two rows at a time so that the
 * constants of a panel are loaded once for both; then y = clamp(. + y_zero) in int16 and int8. Saturating to int16 before
 * y_zero is added cannot change a result that is clamped to int8. */
#ifndef EL_QFINISH512_H
#define EL_QFINISH512_H
#include "qmat.h"
#include <immintrin.h>

typedef struct el_qlimits {
    __m512i zero, lo, hi; /* int16, int8, int8 */
} el_qlimits;

EL_INLINE el_qlimits qlimits(int32_t y_zero, int32_t y_min, int32_t y_max) {
    return (el_qlimits){_mm512_set1_epi16((int16_t)y_zero), _mm512_set1_epi8((char)y_min), _mm512_set1_epi8((char)y_max)};
}

EL_INLINE void requantize2(__m512i* a, __m512i* b, const el_qpanel* e, int left, const int once) {
    __m512i v[2] = {*a, *b};
    if (left) {
        __m512i n = _mm512_load_si512(e->left);
        if (once) { /* the left shift saturates */
            __m512i most = _mm512_srlv_epi32(_mm512_set1_epi32(INT32_MAX), n), least = _mm512_xor_si512(most, _mm512_set1_epi32(-1));
            EL_UNROLL for (int i = 0; i < 2; i++) v[i] = _mm512_min_epi32(_mm512_max_epi32(v[i], least), most);
        }
        v[0] = _mm512_sllv_epi32(v[0], n);
        v[1] = _mm512_sllv_epi32(v[1], n);
    }
    __m512i m0 = _mm512_load_si512(e->multiplier), m1 = _mm512_srli_epi64(m0, 32);
    __m512i r0 = _mm512_load_si512(e->round[0]), r1 = _mm512_load_si512(e->round[1]);
    __m512i s0 = _mm512_load_si512(e->shift[0]), s1 = _mm512_load_si512(e->shift[1]);
    __m512i c0 = _mm512_load_si512(e->carry[0]), c1 = _mm512_load_si512(e->carry[1]);
    EL_UNROLL for (int i = 0; i < 2; i++) {
        __m512i odd = _mm512_srli_epi64(v[i], 32);
        __m512i n0 = once ? r0 : _mm512_sub_epi64(r0, _mm512_and_si512(v[i], c0));
        __m512i n1 = once ? r1 : _mm512_sub_epi64(r1, _mm512_and_si512(odd, c1));
        __m512i even = _mm512_add_epi64(_mm512_mul_epi32(v[i], m0), n0);
        odd = _mm512_add_epi64(_mm512_mul_epi32(odd, m1), n1);
        v[i] = _mm512_mask_shuffle_epi32(_mm512_srav_epi64(even, s0), 0xaaaa, _mm512_srav_epi64(odd, s1), _MM_PERM_CCAA);
    }
    *a = v[0], *b = v[1];
}

/* int32 v[4] to 64 int8; byte order: 128-bit lane by lane, the four vectors' lanes in turn */
EL_INLINE __m512i narrow4(const __m512i v[4], el_qlimits l) {
    __m512i v01 = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), l.zero);
    __m512i v23 = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), l.zero);
    return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(v01, v23), l.lo), l.hi);
}
/* Masked byte stores are slow on some processors: whole vectors avoid them. */
EL_INLINE void store_valid(int8_t* y, __mmask64 valid, __m512i v) {
    if (valid == ~0ull) _mm512_storeu_si512(y, v);
    else _mm512_mask_storeu_epi8(y, valid, v);
}
#endif
