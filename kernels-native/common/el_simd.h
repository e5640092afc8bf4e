/* Float vectors of the widest instruction set that the including file is compiled for: AVX-512 (16 lanes), AVX2 + FMA
 * (8) or AArch64 Advanced SIMD (4). Code written over these wrappers is compiled once for each (`<op>.simd.c`).
 *
 * el_vf  float lanes      el_vi  int32 lanes of the same number      el_vm  one truth value per lane
 * EL_VF  number of lanes
 *
 * NaN: el_vmin and el_vmax return the NaN when their SECOND operand is NaN on every instruction set (a NaN in the first
 * operand alone gives an unspecified one of the two), so clamp(x) = el_vmin(hi, el_vmax(lo, x)) keeps the NaN of x.
 * el_vmin_nan and el_vmax_nan give NaN when either operand is NaN (IEEE 754-2019 minimum and maximum, except that the
 * sign of a zero result is unspecified). Comparisons with NaN are false, except el_vne.
 *
 * Order of horizontal sums: halves are added until one lane is left, so a sum is the same for the same lanes. el_vhsum4, the sums of four
 * vectors, adds halves down to four lanes and then neighbours. */
#ifndef EL_SIMD_H
#define EL_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#include <immintrin.h>

#define EL_VF 16
typedef __m512 el_vf;
typedef __m512i el_vi;
typedef __mmask16 el_vm;

/* The mask of the first n lanes, 0 <= n <= 16. */
static inline el_vm el_vfirst(int64_t n) { return (el_vm)((1u << n) - 1); }

static inline el_vf el_vload(const float* p) { return _mm512_loadu_ps(p); }
static inline void el_vstore(float* p, el_vf a) { _mm512_storeu_ps(p, a); }
/* The first n lanes (0 <= n <= EL_VF); the others are 0 and their memory is not touched. */
static inline el_vf el_vload_n(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(el_vfirst(n), p); }
static inline void el_vstore_n(float* p, el_vf a, int64_t n) { _mm512_mask_storeu_ps(p, el_vfirst(n), a); }
static inline el_vf el_vset1(float a) { return _mm512_set1_ps(a); }
static inline el_vf el_vzero(void) { return _mm512_setzero_ps(); }
static inline el_vf el_vadd(el_vf a, el_vf b) { return _mm512_add_ps(a, b); }
static inline el_vf el_vsub(el_vf a, el_vf b) { return _mm512_sub_ps(a, b); }
static inline el_vf el_vmul(el_vf a, el_vf b) { return _mm512_mul_ps(a, b); }
static inline el_vf el_vdiv(el_vf a, el_vf b) { return _mm512_div_ps(a, b); }
static inline el_vf el_vsqrt(el_vf a) { return _mm512_sqrt_ps(a); }
static inline el_vf el_vfma(el_vf a, el_vf b, el_vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a*b + c */
static inline el_vf el_vfnma(el_vf a, el_vf b, el_vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a*b */
static inline el_vf el_vmin(el_vf a, el_vf b) { return _mm512_min_ps(a, b); }
static inline el_vf el_vmax(el_vf a, el_vf b) { return _mm512_max_ps(a, b); }
static inline el_vf el_vabs(el_vf a) { return _mm512_abs_ps(a); }
static inline el_vf el_vneg(el_vf a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
/* The magnitude of a with the sign of b. */
static inline el_vf el_vcopysign(el_vf a, el_vf b) {
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b), _mm512_castps_si512(a), 0xCA));
}
static inline el_vf el_vround(el_vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline el_vf el_vfloor(el_vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline el_vf el_vceil(el_vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

static inline el_vm el_vlt(el_vf a, el_vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline el_vm el_veq(el_vf a, el_vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline el_vm el_vne(el_vf a, el_vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
static inline el_vf el_vselect(el_vm m, el_vf a, el_vf b) { return _mm512_mask_blend_ps(m, b, a); } /* m ? a : b */
static inline int el_vm_any(el_vm a) { return a != 0; }

static inline el_vi el_viload(const int32_t* p) { return _mm512_loadu_si512(p); }
static inline el_vi el_viload_n(const int32_t* p, int64_t n) { return _mm512_maskz_loadu_epi32(el_vfirst(n), p); }
static inline el_vi el_viset1(int32_t a) { return _mm512_set1_epi32(a); }
static inline el_vi el_viadd(el_vi a, el_vi b) { return _mm512_add_epi32(a, b); }
static inline el_vi el_visub(el_vi a, el_vi b) { return _mm512_sub_epi32(a, b); }
static inline el_vi el_viand(el_vi a, el_vi b) { return _mm512_and_si512(a, b); }
static inline el_vi el_vior(el_vi a, el_vi b) { return _mm512_or_si512(a, b); }
static inline el_vi el_vixor(el_vi a, el_vi b) { return _mm512_xor_si512(a, b); }
#define el_vishl(a, k) _mm512_slli_epi32(a, k) /* k is a constant in [1, 31] */
#define el_vishr(a, k) _mm512_srai_epi32(a, k) /* arithmetic */
static inline el_vm el_vieq(el_vi a, el_vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
/* float to int32, to nearest (even). Out of range: INT32_MIN on x86, saturated on Arm. */
static inline el_vi el_vcvt_round(el_vf a) { return _mm512_cvtps_epi32(a); }
static inline el_vf el_vcvt_f(el_vi a) { return _mm512_cvtepi32_ps(a); }
static inline el_vi el_vbits(el_vf a) { return _mm512_castps_si512(a); }
static inline el_vf el_vfrombits(el_vi a) { return _mm512_castsi512_ps(a); }

/* Four lanes with the sums, or the maxima, of all: halves on halves. */
static inline __m128 el_vfold128_(__m512 a, const int maximum) {
    __m256 lo = _mm512_castps512_ps256(a), hi = _mm512_extractf32x8_ps(a, 1);
    __m256 h = maximum ? _mm256_max_ps(lo, hi) : _mm256_add_ps(lo, hi);
    __m128 l = _mm256_castps256_ps128(h), u = _mm256_extractf128_ps(h, 1);
    return maximum ? _mm_max_ps(l, u) : _mm_add_ps(l, u);
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#define EL_VF 8
typedef __m256 el_vf;
typedef __m256i el_vi;
typedef __m256 el_vm; /* all bits of a lane set or clear */

static inline __m256i el_vfirsti_(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline el_vm el_vfirst(int64_t n) { return _mm256_castsi256_ps(el_vfirsti_(n)); }

static inline el_vf el_vload(const float* p) { return _mm256_loadu_ps(p); }
static inline void el_vstore(float* p, el_vf a) { _mm256_storeu_ps(p, a); }
static inline el_vf el_vload_n(const float* p, int64_t n) { return _mm256_maskload_ps(p, el_vfirsti_(n)); }
static inline void el_vstore_n(float* p, el_vf a, int64_t n) { _mm256_maskstore_ps(p, el_vfirsti_(n), a); }
static inline el_vf el_vset1(float a) { return _mm256_set1_ps(a); }
static inline el_vf el_vzero(void) { return _mm256_setzero_ps(); }
static inline el_vf el_vadd(el_vf a, el_vf b) { return _mm256_add_ps(a, b); }
static inline el_vf el_vsub(el_vf a, el_vf b) { return _mm256_sub_ps(a, b); }
static inline el_vf el_vmul(el_vf a, el_vf b) { return _mm256_mul_ps(a, b); }
static inline el_vf el_vdiv(el_vf a, el_vf b) { return _mm256_div_ps(a, b); }
static inline el_vf el_vsqrt(el_vf a) { return _mm256_sqrt_ps(a); }
static inline el_vf el_vfma(el_vf a, el_vf b, el_vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline el_vf el_vfnma(el_vf a, el_vf b, el_vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline el_vf el_vmin(el_vf a, el_vf b) { return _mm256_min_ps(a, b); }
static inline el_vf el_vmax(el_vf a, el_vf b) { return _mm256_max_ps(a, b); }
static inline el_vf el_vabs(el_vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline el_vf el_vneg(el_vf a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
static inline el_vf el_vcopysign(el_vf a, el_vf b) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}
static inline el_vf el_vround(el_vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline el_vf el_vfloor(el_vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline el_vf el_vceil(el_vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

static inline el_vm el_vlt(el_vf a, el_vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline el_vm el_veq(el_vf a, el_vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline el_vm el_vne(el_vf a, el_vf b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
static inline el_vf el_vselect(el_vm m, el_vf a, el_vf b) { return _mm256_blendv_ps(b, a, m); }
static inline int el_vm_any(el_vm a) { return _mm256_movemask_ps(a) != 0; }

static inline el_vi el_viload(const int32_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
static inline el_vi el_viload_n(const int32_t* p, int64_t n) { return _mm256_maskload_epi32((const int*)p, el_vfirsti_(n)); }
static inline el_vi el_viset1(int32_t a) { return _mm256_set1_epi32(a); }
static inline el_vi el_viadd(el_vi a, el_vi b) { return _mm256_add_epi32(a, b); }
static inline el_vi el_visub(el_vi a, el_vi b) { return _mm256_sub_epi32(a, b); }
static inline el_vi el_viand(el_vi a, el_vi b) { return _mm256_and_si256(a, b); }
static inline el_vi el_vior(el_vi a, el_vi b) { return _mm256_or_si256(a, b); }
static inline el_vi el_vixor(el_vi a, el_vi b) { return _mm256_xor_si256(a, b); }
#define el_vishl(a, k) _mm256_slli_epi32(a, k)
#define el_vishr(a, k) _mm256_srai_epi32(a, k)
static inline el_vm el_vieq(el_vi a, el_vi b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
static inline el_vi el_vcvt_round(el_vf a) { return _mm256_cvtps_epi32(a); }
static inline el_vf el_vcvt_f(el_vi a) { return _mm256_cvtepi32_ps(a); }
static inline el_vi el_vbits(el_vf a) { return _mm256_castps_si256(a); }
static inline el_vf el_vfrombits(el_vi a) { return _mm256_castsi256_ps(a); }

static inline __m128 el_vfold128_(__m256 a, const int maximum) {
    __m128 l = _mm256_castps256_ps128(a), u = _mm256_extractf128_ps(a, 1);
    return maximum ? _mm_max_ps(l, u) : _mm_add_ps(l, u);
}

#elif defined(__aarch64__)
#include <arm_neon.h>

#define EL_VF 4
typedef float32x4_t el_vf;
typedef int32x4_t el_vi;
typedef uint32x4_t el_vm;

static inline el_vm el_vfirst(int64_t n) {
    static const uint32_t lane[4] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
}

static inline el_vf el_vload(const float* p) { return vld1q_f32(p); }
static inline void el_vstore(float* p, el_vf a) { vst1q_f32(p, a); }
static inline el_vf el_vload_n(const float* p, int64_t n) {
    if (n >= 4) return vld1q_f32(p);
    el_vf v = vdupq_n_f32(0);
    if (n == 1) return vld1q_lane_f32(p, v, 0);
    if (n >= 2) v = vcombine_f32(vld1_f32(p), vdup_n_f32(0));
    if (n == 3) v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}
static inline void el_vstore_n(float* p, el_vf a, int64_t n) {
    if (n >= 4) vst1q_f32(p, a);
    else if (n == 1) vst1q_lane_f32(p, a, 0);
    else if (n >= 2) {
        vst1_f32(p, vget_low_f32(a));
        if (n == 3) vst1q_lane_f32(p + 2, a, 2);
    }
}
static inline el_vf el_vset1(float a) { return vdupq_n_f32(a); }
static inline el_vf el_vzero(void) { return vdupq_n_f32(0); }
static inline el_vf el_vadd(el_vf a, el_vf b) { return vaddq_f32(a, b); }
static inline el_vf el_vsub(el_vf a, el_vf b) { return vsubq_f32(a, b); }
static inline el_vf el_vmul(el_vf a, el_vf b) { return vmulq_f32(a, b); }
static inline el_vf el_vdiv(el_vf a, el_vf b) { return vdivq_f32(a, b); }
static inline el_vf el_vsqrt(el_vf a) { return vsqrtq_f32(a); }
static inline el_vf el_vfma(el_vf a, el_vf b, el_vf c) { return vfmaq_f32(c, a, b); }
static inline el_vf el_vfnma(el_vf a, el_vf b, el_vf c) { return vfmsq_f32(c, a, b); }
static inline el_vf el_vmin(el_vf a, el_vf b) { return vminq_f32(a, b); }
static inline el_vf el_vmax(el_vf a, el_vf b) { return vmaxq_f32(a, b); }
static inline el_vf el_vabs(el_vf a) { return vabsq_f32(a); }
static inline el_vf el_vneg(el_vf a) { return vnegq_f32(a); }
static inline el_vf el_vcopysign(el_vf a, el_vf b) { return vbslq_f32(vdupq_n_u32(0x80000000u), b, a); }
static inline el_vf el_vround(el_vf a) { return vrndnq_f32(a); }
static inline el_vf el_vfloor(el_vf a) { return vrndmq_f32(a); }
static inline el_vf el_vceil(el_vf a) { return vrndpq_f32(a); }

static inline el_vm el_vlt(el_vf a, el_vf b) { return vcltq_f32(a, b); }
static inline el_vm el_veq(el_vf a, el_vf b) { return vceqq_f32(a, b); }
static inline el_vm el_vne(el_vf a, el_vf b) { return vmvnq_u32(vceqq_f32(a, b)); }
static inline el_vf el_vselect(el_vm m, el_vf a, el_vf b) { return vbslq_f32(m, a, b); }
static inline int el_vm_any(el_vm a) { return vmaxvq_u32(a) != 0; }

static inline el_vi el_viload(const int32_t* p) { return vld1q_s32(p); }
static inline el_vi el_viload_n(const int32_t* p, int64_t n) {
    int32_t t[4] = {0, 0, 0, 0};
    for (int64_t i = 0; i < n && i < 4; i++) t[i] = p[i];
    return vld1q_s32(t);
}
static inline el_vi el_viset1(int32_t a) { return vdupq_n_s32(a); }
static inline el_vi el_viadd(el_vi a, el_vi b) { return vaddq_s32(a, b); }
static inline el_vi el_visub(el_vi a, el_vi b) { return vsubq_s32(a, b); }
static inline el_vi el_viand(el_vi a, el_vi b) { return vandq_s32(a, b); }
static inline el_vi el_vior(el_vi a, el_vi b) { return vorrq_s32(a, b); }
static inline el_vi el_vixor(el_vi a, el_vi b) { return veorq_s32(a, b); }
#define el_vishl(a, k) vshlq_n_s32(a, k)
#define el_vishr(a, k) vshrq_n_s32(a, k)
static inline el_vm el_vieq(el_vi a, el_vi b) { return vceqq_s32(a, b); }
static inline el_vi el_vcvt_round(el_vf a) { return vcvtnq_s32_f32(a); }
static inline el_vf el_vcvt_f(el_vi a) { return vcvtq_f32_s32(a); }
static inline el_vi el_vbits(el_vf a) { return vreinterpretq_s32_f32(a); }
static inline el_vf el_vfrombits(el_vi a) { return vreinterpretq_f32_s32(a); }

#else
#error "el_simd.h: this file must be compiled for AVX2+FMA, AVX-512 or AArch64"
#endif

/* Keeps a value that is used several times in a register: compilers would load it again for each use. */
#if EL_VF == 4
#define EL_VKEEP(v) __asm__("" : "+w"(v))
#else
#define EL_VKEEP(v) __asm__("" : "+v"(v))
#endif

static inline el_vf el_vmin_nan(el_vf a, el_vf b) { return el_vselect(el_vne(a, a), a, el_vmin(a, b)); }
static inline el_vf el_vmax_nan(el_vf a, el_vf b) { return el_vselect(el_vne(a, a), a, el_vmax(a, b)); }
static inline el_vf el_vclamp(el_vf x, el_vf lo, el_vf hi) { return el_vmin(hi, el_vmax(lo, x)); }

/* Sum and maximum of all lanes. For the maximum no lane may be NaN (reduce with el_vmax_nan and test el_vany_nan first where NaN matters). */
#if EL_VF == 4
static inline float el_vhsum(el_vf a) {
    float32x2_t h = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
static inline void el_vhsum4(el_vf a, el_vf b, el_vf c, el_vf d, float* sums) { vst1q_f32(sums, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d))); }
static inline float el_vhmax(el_vf a) { return vmaxvq_f32(a); }
#else
static inline float el_vhsum(el_vf a) {
    __m128 q = el_vfold128_(a, 0);
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
static inline void el_vhsum4(el_vf a, el_vf b, el_vf c, el_vf d, float* sums) {
    _mm_storeu_ps(sums, _mm_hadd_ps(_mm_hadd_ps(el_vfold128_(a, 0), el_vfold128_(b, 0)), _mm_hadd_ps(el_vfold128_(c, 0), el_vfold128_(d, 0))));
}
static inline float el_vhmax(el_vf a) {
    __m128 q = el_vfold128_(a, 1);
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
#endif
static inline int el_vany_nan(el_vf a) { return el_vm_any(el_vne(a, a)); }

#endif
