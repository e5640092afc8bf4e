/* What products and gates of qlstm_s8 share: a block of cells is EL_BLOCK lanes of int16 (w16), which EL_Q panels make. */
#ifndef EL_QLSTM_VEC_H
#define EL_QLSTM_VEC_H
#include "qlstm.h"
#include "qvec.h"

#if defined(__AVX512BW__)
#define EL_BLOCK 32
typedef __m512i w16;
EL_VEC w16 w16_load(const int16_t* p) { return _mm512_loadu_si512(p); }
EL_VEC void w16_store(int16_t* p, w16 a) { _mm512_storeu_si512(p, a); }
/* Sums of the panels of a block, saturated. */
EL_VEC w16 w16_columns(const q16* a) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtsepi32_epi16(a[0].v)), _mm512_cvtsepi32_epi16(a[1].v), 1);
}
#else
#define EL_BLOCK 16
#if defined(__AVX2__)
typedef __m256i w16;
EL_VEC w16 w16_load(const int16_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
EL_VEC void w16_store(int16_t* p, w16 a) { _mm256_storeu_si256((__m256i*)p, a); }
EL_VEC w16 w16_columns(const q16* a) { return _mm256_permute4x64_epi64(_mm256_packs_epi32(a[0].v[0], a[0].v[1]), 0xd8); }
#else
typedef struct { int16x8_t v[2]; } w16;
EL_VEC w16 w16_load(const int16_t* p) { return (w16){{vld1q_s16(p), vld1q_s16(p + 8)}}; }
EL_VEC void w16_store(int16_t* p, w16 a) { vst1q_s16(p, a.v[0]), vst1q_s16(p + 8, a.v[1]); }
EL_VEC w16 w16_columns(const q16* a) {
    return (w16){{vqmovn_high_s32(vqmovn_s32(a->v[0]), a->v[1]), vqmovn_high_s32(vqmovn_s32(a->v[2]), a->v[3])}};
}
#endif
#endif
#define EL_Q (EL_BLOCK / 16)

#if defined(__aarch64__)
/* The gates of Advanced SIMD, which its extensions for products share. */
void el_qlstm_peep__neon(const el_qlstm* l, int32_t gate);
w16 el_qlstm_next_cells__neon(const el_qlstm* l, const w16* v, w16 c);
void el_qlstm_put_out__neon(const el_qlstm* l, w16 o, w16 c, int8_t* hidden);
#endif

#if defined(__clang__)
#define EL_EACH _Pragma("unroll") for
#else
#define EL_EACH _Pragma("GCC unroll 8") for
#endif

/* el_requantize by one multiplier and shift. */
typedef struct scaling {
    q16 multiplier, left, right;
#if defined(__AVX512BW__)
    __m512i round, carry;
    __m128i even, odd; /* shifts: 31 + right, right - 1 */
    int is_simple;     /* left is 0, right is not */
#endif
} scaling;

#if defined(__AVX512BW__)
/* In one 64-bit step, as el_qpanel tells; the odd results are left in the upper halves. */
EL_VEC scaling scaling_of(int32_t multiplier, int32_t shift) {
    const int32_t right = shift > 0 ? 0 : -shift;
    return (scaling){q16_set(multiplier), q16_set(shift > 0 ? shift : 0), q16_set(right), _mm512_set1_epi64((1ll << 30) + (1ll << (30 + right))),
                     _mm512_set1_epi64(1ll << 31), _mm_cvtsi32_si128(31 + right), _mm_cvtsi32_si128(right - 1), shift < 0};
}
static __attribute__((noinline)) __m512i scaled_any(__m512i a, __m512i multiplier, __m512i left, __m512i right) {
    return q16_requantize((q16){a}, (q16){multiplier}, (q16){left}, (q16){right}).v;
}
EL_VEC q16 scaled(q16 a, const scaling s) {
    if (__builtin_expect(!s.is_simple, 0)) return (q16){scaled_any(a.v, s.multiplier.v, s.left.v, s.right.v)};
    const __m512i b = _mm512_srli_epi64(a.v, 32);
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a.v, s.multiplier.v), _mm512_sub_epi64(s.round, _mm512_and_si512(a.v, s.carry)));
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(b, s.multiplier.v), _mm512_sub_epi64(s.round, _mm512_and_si512(b, s.carry)));
    return (q16){_mm512_mask_mov_epi32(_mm512_sra_epi64(even, s.even), 0xaaaa, _mm512_sra_epi64(odd, s.odd))};
}
#else
EL_VEC scaling scaling_of(int32_t multiplier, int32_t shift) {
    return (scaling){q16_set(multiplier), q16_set(shift > 0 ? shift : 0), q16_set(shift > 0 ? 0 : -shift)};
}
EL_VEC q16 scaled(q16 a, const scaling s) { return q16_requantize(a, s.multiplier, s.left, s.right); }
#endif

#endif
