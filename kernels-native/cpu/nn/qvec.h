/* Sixteen int32 lanes (one 512-bit, two 256-bit or four 128-bit registers) for the int8 kernels: lane i is element i.
 * Included by files of an instruction set only; which one follows from the compiler's target macros. */
#ifndef EL_QVEC_H
#define EL_QVEC_H
#include "el_quant.h"
#include <string.h>

#define EL_VEC static inline __attribute__((always_inline))

#if defined(__AVX512BW__)
#include <immintrin.h>
typedef struct { __m512i v; } q16;
EL_VEC q16 q16_set(int32_t a) { return (q16){_mm512_set1_epi32(a)}; }
EL_VEC q16 q16_load(const int32_t* p) { return (q16){_mm512_loadu_si512(p)}; }
EL_VEC void q16_store(int32_t* p, q16 a) { _mm512_storeu_si512(p, a.v); }
EL_VEC q16 q16_load8(const int8_t* p) { return (q16){_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p))}; }
EL_VEC void q16_store8(int8_t* p, q16 a) { _mm_storeu_si128((__m128i*)p, _mm512_cvtsepi32_epi8(a.v)); }
EL_VEC q16 q16_load16(const int16_t* p) { return (q16){_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i*)p))}; }
EL_VEC void q16_store16(int16_t* p, q16 a) { _mm256_storeu_si256((__m256i*)p, _mm512_cvtsepi32_epi16(a.v)); }
EL_VEC q16 q16_add(q16 a, q16 b) { return (q16){_mm512_add_epi32(a.v, b.v)}; }
EL_VEC q16 q16_sub(q16 a, q16 b) { return (q16){_mm512_sub_epi32(a.v, b.v)}; }
EL_VEC q16 q16_mul(q16 a, q16 b) { return (q16){_mm512_mullo_epi32(a.v, b.v)}; }
EL_VEC q16 q16_min(q16 a, q16 b) { return (q16){_mm512_min_epi32(a.v, b.v)}; }
EL_VEC q16 q16_max(q16 a, q16 b) { return (q16){_mm512_max_epi32(a.v, b.v)}; }
EL_VEC q16 q16_shl(q16 a, q16 n) { return (q16){_mm512_sllv_epi32(a.v, n.v)}; }
EL_VEC q16 q16_sar(q16 a, int32_t n) { return (q16){_mm512_srav_epi32(a.v, _mm512_set1_epi32(n))}; }
/* floor((a*m + 2^30) / 2^31): equals the rounding doubling high multiplication unless both are INT32_MIN */
EL_VEC q16 q16_mulhigh(q16 a, q16 m) {
    __m512i nudge = _mm512_set1_epi64(1ll << 30);
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a.v, m.v), nudge);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(m.v, 32)), nudge);
    return (q16){_mm512_mask_mov_epi32(_mm512_srli_epi64(even, 31), 0xaaaa, _mm512_slli_epi64(odd, 1))};
}
EL_VEC q16 q16_divide_pot(q16 a, q16 n) {
    __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), n.v), _mm512_set1_epi32(1));
    __m512i threshold = _mm512_sub_epi32(_mm512_srli_epi32(mask, 1), _mm512_srai_epi32(a.v, 31));
    __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(a.v, mask), threshold);
    __m512i r = _mm512_srav_epi32(a.v, n.v);
    return (q16){_mm512_mask_add_epi32(r, up, r, _mm512_set1_epi32(1))};
}
/* the quotient is rounded half away from zero; exact for |a| + n/2 < 2^24 */
EL_VEC q16 q16_divide_round(q16 a, int32_t n) {
    __m512i sign = _mm512_srai_epi32(a.v, 31);
    __m512i half = _mm512_sub_epi32(_mm512_xor_si512(_mm512_set1_epi32(n / 2), sign), sign);
    __m512 quotient = _mm512_div_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(a.v, half)), _mm512_set1_ps((float)n));
    return (q16){_mm512_cvttps_epi32(quotient)};
}
#elif defined(__AVX2__)
#include <immintrin.h>
typedef struct { __m256i v[2]; } q16;
#define EL_Q2(f, a, b) ((q16){{f((a).v[0], (b).v[0]), f((a).v[1], (b).v[1])}})
EL_VEC q16 q16_set(int32_t a) { __m256i v = _mm256_set1_epi32(a); return (q16){{v, v}}; }
EL_VEC q16 q16_load(const int32_t* p) {
    return (q16){{_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 8))}};
}
EL_VEC void q16_store(int32_t* p, q16 a) {
    _mm256_storeu_si256((__m256i*)p, a.v[0]);
    _mm256_storeu_si256((__m256i*)(p + 8), a.v[1]);
}
EL_VEC q16 q16_load8(const int8_t* p) {
    __m128i b = _mm_loadu_si128((const __m128i*)p);
    return (q16){{_mm256_cvtepi8_epi32(b), _mm256_cvtepi8_epi32(_mm_srli_si128(b, 8))}};
}
EL_VEC void q16_store8(int8_t* p, q16 a) {
    __m256i w = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.v[0], a.v[1]), 0xd8);
    _mm_storeu_si128((__m128i*)p, _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
}
EL_VEC q16 q16_load16(const int16_t* p) {
    return (q16){{_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i*)p)), _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i*)(p + 8)))}};
}
EL_VEC void q16_store16(int16_t* p, q16 a) { _mm256_storeu_si256((__m256i*)p, _mm256_permute4x64_epi64(_mm256_packs_epi32(a.v[0], a.v[1]), 0xd8)); }
EL_VEC q16 q16_add(q16 a, q16 b) { return EL_Q2(_mm256_add_epi32, a, b); }
EL_VEC q16 q16_sub(q16 a, q16 b) { return EL_Q2(_mm256_sub_epi32, a, b); }
EL_VEC q16 q16_mul(q16 a, q16 b) { return EL_Q2(_mm256_mullo_epi32, a, b); }
EL_VEC q16 q16_min(q16 a, q16 b) { return EL_Q2(_mm256_min_epi32, a, b); }
EL_VEC q16 q16_max(q16 a, q16 b) { return EL_Q2(_mm256_max_epi32, a, b); }
EL_VEC q16 q16_shl(q16 a, q16 n) { return EL_Q2(_mm256_sllv_epi32, a, n); }
EL_VEC q16 q16_sar(q16 a, int32_t n) { return EL_Q2(_mm256_srav_epi32, a, q16_set(n)); }
EL_VEC __m256i q8_mulhigh(__m256i a, __m256i m) {
    __m256i nudge = _mm256_set1_epi64x(1ll << 30);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, m), nudge);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(m, 32)), nudge);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}
EL_VEC q16 q16_mulhigh(q16 a, q16 m) { return EL_Q2(q8_mulhigh, a, m); }
EL_VEC __m256i q8_divide_pot(__m256i a, __m256i n) {
    __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), n), _mm256_set1_epi32(1));
    __m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(a, 31));
    return _mm256_sub_epi32(_mm256_srav_epi32(a, n), _mm256_cmpgt_epi32(_mm256_and_si256(a, mask), threshold));
}
EL_VEC q16 q16_divide_pot(q16 a, q16 n) { return EL_Q2(q8_divide_pot, a, n); }
EL_VEC __m256i q8_divide_round(__m256i a, int32_t n) {
    __m256i sign = _mm256_srai_epi32(a, 31);
    __m256i half = _mm256_sub_epi32(_mm256_xor_si256(_mm256_set1_epi32(n / 2), sign), sign);
    return _mm256_cvttps_epi32(_mm256_div_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(a, half)), _mm256_set1_ps((float)n)));
}
EL_VEC q16 q16_divide_round(q16 a, int32_t n) { return (q16){{q8_divide_round(a.v[0], n), q8_divide_round(a.v[1], n)}}; }
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef struct { int32x4_t v[4]; } q16;
#define EL_Q4(f, a, b) ((q16){{f((a).v[0], (b).v[0]), f((a).v[1], (b).v[1]), f((a).v[2], (b).v[2]), f((a).v[3], (b).v[3])}})
EL_VEC q16 q16_set(int32_t a) { int32x4_t v = vdupq_n_s32(a); return (q16){{v, v, v, v}}; }
EL_VEC q16 q16_load(const int32_t* p) { return (q16){{vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}}; }
EL_VEC void q16_store(int32_t* p, q16 a) {
    for (int i = 0; i < 4; i++) vst1q_s32(p + 4 * i, a.v[i]);
}
EL_VEC q16 q16_load8(const int8_t* p) {
    int8x16_t b = vld1q_s8(p);
    int16x8_t lo = vmovl_s8(vget_low_s8(b)), hi = vmovl_high_s8(b);
    return (q16){{vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo), vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)}};
}
EL_VEC void q16_store8(int8_t* p, q16 a) {
    int16x8_t lo = vqmovn_high_s32(vqmovn_s32(a.v[0]), a.v[1]), hi = vqmovn_high_s32(vqmovn_s32(a.v[2]), a.v[3]);
    vst1q_s8(p, vqmovn_high_s16(vqmovn_s16(lo), hi));
}
EL_VEC q16 q16_load16(const int16_t* p) {
    int16x8_t lo = vld1q_s16(p), hi = vld1q_s16(p + 8);
    return (q16){{vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo), vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)}};
}
EL_VEC void q16_store16(int16_t* p, q16 a) {
    vst1q_s16(p, vqmovn_high_s32(vqmovn_s32(a.v[0]), a.v[1]));
    vst1q_s16(p + 8, vqmovn_high_s32(vqmovn_s32(a.v[2]), a.v[3]));
}
EL_VEC q16 q16_add(q16 a, q16 b) { return EL_Q4(vaddq_s32, a, b); }
EL_VEC q16 q16_sub(q16 a, q16 b) { return EL_Q4(vsubq_s32, a, b); }
EL_VEC q16 q16_mul(q16 a, q16 b) { return EL_Q4(vmulq_s32, a, b); }
EL_VEC q16 q16_min(q16 a, q16 b) { return EL_Q4(vminq_s32, a, b); }
EL_VEC q16 q16_max(q16 a, q16 b) { return EL_Q4(vmaxq_s32, a, b); }
EL_VEC q16 q16_shl(q16 a, q16 n) { return EL_Q4(vshlq_s32, a, n); }
EL_VEC q16 q16_sar(q16 a, int32_t n) { return EL_Q4(vshlq_s32, a, q16_set(-n)); }
EL_VEC q16 q16_mulhigh(q16 a, q16 m) { return EL_Q4(vqrdmulhq_s32, a, m); }
/* vrshl by -n rounds ties up; one less for negative values (when n > 0) makes that away from zero. The saturation only
 * meets INT32_MIN, where it changes nothing: the value is a multiple of 2^n. */
EL_VEC int32x4_t q4_divide_pot(int32x4_t a, int32x4_t n) {
    int32x4_t right = vnegq_s32(n);
    return vrshlq_s32(vqaddq_s32(a, vshrq_n_s32(vandq_s32(a, right), 31)), right);
}
EL_VEC q16 q16_divide_pot(q16 a, q16 n) { return EL_Q4(q4_divide_pot, a, n); }
EL_VEC int32x4_t q4_divide_round(int32x4_t a, int32_t n) {
    int32x4_t sign = vshrq_n_s32(a, 31), half = vsubq_s32(veorq_s32(vdupq_n_s32(n / 2), sign), sign);
    return vcvtq_s32_f32(vdivq_f32(vcvtq_f32_s32(vaddq_s32(a, half)), vdupq_n_f32((float)n)));
}
EL_VEC q16 q16_divide_round(q16 a, int32_t n) {
    for (int i = 0; i < 4; i++) a.v[i] = q4_divide_round(a.v[i], n);
    return a;
}
#endif

#if defined(__AVX512BW__)
/* From sums to int8. Lanes are int32, or, where not WHOLE, numbers of 16 bits with a fraction of 16 bits below. */
#define Q_GROUP 4 /* vectors that become bytes together */
typedef struct q_bounds { __m512i lo, hi; } q_bounds; /* int8 */
EL_VEC q_bounds q_bounds_set(int32_t lo, int32_t hi) { return (q_bounds){_mm512_set1_epi8((char)lo), _mm512_set1_epi8((char)hi)}; }
EL_VEC q16 q16_min_u16(q16 a, q16 b) { return (q16){_mm512_min_epu16(a.v, b.v)}; } /* of 32 halves */
/* Bit i is set where the fraction of lane i is below n. */
EL_VEC uint32_t q16_low_below(q16 a, int32_t n) { return _mm512_cmplt_epu32_mask(_mm512_slli_epi32(a.v, 16), _mm512_set1_epi32(n << 16)); }
/* The numbers of all vectors, one vector after the other, saturated to int8; without their fractions they are clamped to the bounds, too. Both ways of
 * packing put lanes 4l to 4l+3 of two vectors side by side in 128-bit lane l; the last permutation brings vectors back into order. */
EL_VEC __m512i q16_bytes(const q16 u[4], q_bounds b, const int WHOLE) {
    const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 31, 29, 27, 25, 55, 53, 51, 49, 23, 21, 19, 17, 47, 45, 43, 41, 15, 13, 11, 9, 39, 37, 35, 33, 7, 5, 3, 1);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i v01 = WHOLE ? _mm512_packs_epi32(u[0].v, u[1].v) : _mm512_permutex2var_epi16(u[0].v, upper, u[1].v);
    __m512i v23 = WHOLE ? _mm512_packs_epi32(u[2].v, u[3].v) : _mm512_permutex2var_epi16(u[2].v, upper, u[3].v);
    __m512i v = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(v01, v23));
    return WHOLE ? v : _mm512_min_epi8(_mm512_max_epi8(v, b.lo), b.hi);
}
EL_VEC void q16_store_rows(const q16 u[4], q_bounds b, int8_t* const y[4], const int WHOLE) {
    const __m512i v = q16_bytes(u, b, WHOLE);
    _mm_storeu_si128((__m128i*)y[0], _mm512_castsi512_si128(v));
    _mm_storeu_si128((__m128i*)y[1], _mm512_extracti32x4_epi32(v, 1));
    _mm_storeu_si128((__m128i*)y[2], _mm512_extracti32x4_epi32(v, 2));
    _mm_storeu_si128((__m128i*)y[3], _mm512_extracti32x4_epi32(v, 3));
}
#elif defined(__AVX2__)
#define Q_GROUP 2
typedef struct q_bounds { __m256i lo, hi; } q_bounds;
EL_VEC q_bounds q_bounds_set(int32_t lo, int32_t hi) { return (q_bounds){_mm256_set1_epi8((char)lo), _mm256_set1_epi8((char)hi)}; }
EL_VEC q16 q16_min_u16(q16 a, q16 b) { return EL_Q2(_mm256_min_epu16, a, b); }
EL_VEC uint32_t q16_low_below(q16 a, int32_t n) {
    const __m256i low = _mm256_set1_epi32(0xffff), limit = _mm256_set1_epi32(n);
    const __m256i first = _mm256_cmpgt_epi32(limit, _mm256_and_si256(a.v[0], low)), second = _mm256_cmpgt_epi32(limit, _mm256_and_si256(a.v[1], low));
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(first)) | (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(second)) << 8;
}
EL_VEC __m256i q16_bytes(const q16 u[2], q_bounds b, const int WHOLE) {
    const int fraction = WHOLE ? 0 : 16;
    __m256i v01 = _mm256_packs_epi32(_mm256_srai_epi32(u[0].v[0], fraction), _mm256_srai_epi32(u[0].v[1], fraction));
    __m256i v23 = _mm256_packs_epi32(_mm256_srai_epi32(u[1].v[0], fraction), _mm256_srai_epi32(u[1].v[1], fraction));
    __m256i v = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(v01, v23), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    return WHOLE ? v : _mm256_min_epi8(_mm256_max_epi8(v, b.lo), b.hi);
}
EL_VEC void q16_store_rows(const q16 u[2], q_bounds b, int8_t* const y[2], const int WHOLE) {
    const __m256i v = q16_bytes(u, b, WHOLE);
    _mm_storeu_si128((__m128i*)y[0], _mm256_castsi256_si128(v));
    _mm_storeu_si128((__m128i*)y[1], _mm256_extracti128_si256(v, 1));
}
#endif

#if defined(__AVX2__) || defined(__aarch64__)
/* el_requantize per lane; left = max(shift, 0), right = max(-shift, 0) */
EL_VEC q16 q16_requantize(q16 a, q16 multiplier, q16 left, q16 right) {
    return q16_divide_pot(q16_mulhigh(q16_shl(a, left), multiplier), right);
}

/* clamp(a + zero, lo, hi) without overflow */
EL_VEC q16 q16_clamp(q16 a, int32_t zero, int32_t lo, int32_t hi) {
    return q16_add(q16_min(q16_max(a, q16_set(lo - zero)), q16_set(hi - zero)), q16_set(zero));
}

/* Up to 16 elements: nothing outside [0, count) is touched. */
EL_VEC q16 q16_load8_part(const int8_t* p, int64_t count) {
    if (count >= 16) return q16_load8(p);
    int8_t part[16] = {0};
    memcpy(part, p, (size_t)count);
    return q16_load8(part);
}
EL_VEC void q16_store16_part(int16_t* p, q16 a, int64_t count) {
    if (count >= 16) {
        q16_store16(p, a);
        return;
    }
    int16_t part[16];
    q16_store16(part, a);
    memcpy(p, part, (size_t)count * 2);
}
EL_VEC void q16_store8_part(int8_t* p, q16 a, int64_t count) {
    if (count >= 16) {
        q16_store8(p, a);
        return;
    }
    int8_t part[16];
    q16_store8(part, a);
    memcpy(p, part, (size_t)count);
}
#endif
#endif
