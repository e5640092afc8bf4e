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

/* el_requantize by one multiplier and shift, as el_qlstm_scale tells. */
typedef struct scaling {
    q16 multiplier;
#if defined(__x86_64__)
    q16 round, carry;
    __m128i whole, high;
    const el_qlstm_scale* all;
#else
    q16 left, right;
#endif
} scaling;

#if defined(__x86_64__)
static __attribute__((noinline)) q16 scaled_any(q16 a, const el_qlstm_scale* s) {
    return q16_requantize(a, q16_set((int32_t)s->multiplier), q16_set((int32_t)s->left), q16_set((int32_t)s->right));
}
EL_VEC __m128i shift_of(const int64_t* n) { return _mm_loadl_epi64((const __m128i*)n); }
#if defined(__AVX512BW__)
EL_VEC q16 q16_set64(int64_t a) { return (q16){_mm512_set1_epi64(a)}; }
/* Lanes of `from`, sums of int32, times the multiplier. */
EL_VEC __m512i product64(__m512i from, const scaling s) {
    return _mm512_add_epi64(_mm512_mul_epi32(from, s.multiplier.v), _mm512_sub_epi64(s.round.v, _mm512_and_si512(from, s.carry.v)));
}
#else
EL_VEC q16 q16_set64(int64_t a) { return (q16){{_mm256_set1_epi64x(a), _mm256_set1_epi64x(a)}}; }
EL_VEC __m256i product64(__m256i from, const scaling s) {
    return _mm256_add_epi64(_mm256_mul_epi32(from, s.multiplier.v[0]), _mm256_sub_epi64(s.round.v[0], _mm256_and_si256(from, s.carry.v[0])));
}
EL_VEC __m256i scaled8(__m256i a, const scaling s) {
    const __m256i even = product64(a, s), odd = product64(_mm256_srli_epi64(a, 32), s);
    return _mm256_sra_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa), s.high);
}
#endif
EL_VEC scaling scaling_of(const el_qlstm_scale* s) {
    return (scaling){q16_set64(s->multiplier), q16_set64(s->round), q16_set64(s->carry), shift_of(&s->whole), shift_of(&s->high), s};
}
EL_VEC q16 scaled(q16 a, const scaling s) {
    if (__builtin_expect(s.all->left + s.all->twice != 0, 0)) return scaled_any(a, s.all);
#if defined(__AVX512BW__)
    const __m512i even = product64(a.v, s), odd = product64(_mm512_srli_epi64(a.v, 32), s);
    return (q16){_mm512_mask_mov_epi32(_mm512_sra_epi64(even, s.whole), 0xaaaa, _mm512_sra_epi64(odd, s.high))};
#else
    return (q16){{scaled8(a.v[0], s), scaled8(a.v[1], s)}};
#endif
}
#else
EL_VEC scaling scaling_of(const el_qlstm_scale* s) { return (scaling){q16_set((int32_t)s->multiplier), q16_set((int32_t)s->left), q16_set((int32_t)s->right)}; }
EL_VEC q16 scaled(q16 a, const scaling s) { return q16_requantize(a, s.multiplier, s.left, s.right); }
#endif

#endif
