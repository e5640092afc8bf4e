/* The gates of qlstm_s8 over int16 lanes (w16), EL_BLOCK cells at a time: logistic and tanh, the cells and what they put out. VPMULHRSW and
 * SQRDMULH round as gemmlowp's multiplication does. Included by one file of an instruction set with such lanes. */
#ifndef EL_QLSTM_GATES_H
#define EL_QLSTM_GATES_H
#include "el_fixed16.h"
#include "qlstm_vec.h"

/* ---- int16 lanes ------------------------------------------------------------------------------------------------- */

#if defined(__AVX512BW__)
typedef struct { q16 v[2]; } wide; /* products of int16: lanes 0-3, 8-11 .. of each half, as VPUNPCK leaves them */
EL_VEC w16 w16_set(int32_t a) { return _mm512_set1_epi16((int16_t)a); }
EL_VEC w16 w16_constant(int32_t i) { return _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i*)el_qlstm_constants[i])); }
EL_VEC w16 w16_add(w16 a, w16 b) { return _mm512_add_epi16(a, b); }
EL_VEC w16 w16_adds(w16 a, w16 b) { return _mm512_adds_epi16(a, b); }
EL_VEC w16 w16_sub(w16 a, w16 b) { return _mm512_sub_epi16(a, b); }
EL_VEC w16 w16_min(w16 a, w16 b) { return _mm512_min_epi16(a, b); }
EL_VEC w16 w16_max(w16 a, w16 b) { return _mm512_max_epi16(a, b); }
EL_VEC w16 w16_and(w16 a, w16 b) { return _mm512_and_si512(a, b); }
EL_VEC w16 w16_xor(w16 a, w16 b) { return _mm512_xor_si512(a, b); }
EL_VEC w16 w16_mean_up(w16 a, w16 b) { return _mm512_avg_epu16(a, b); } /* (a + b + 1) >> 1, both positive */
EL_VEC w16 w16_multiply(w16 a, w16 b) { return _mm512_mulhrs_epi16(a, b); }
EL_VEC w16 w16_shl(w16 a, int32_t n) { return _mm512_sll_epi16(a, _mm_cvtsi32_si128(n)); }
#define w16_shr(a, n) _mm512_srai_epi16(a, n)
/* a * b where `from` lacks the bits, else a */
EL_VEC w16 w16_multiply_unless(w16 a, w16 b, w16 from, w16 bits) { return _mm512_mask_mulhrs_epi16(a, _mm512_testn_epi16_mask(from, bits), a, b); }
EL_VEC w16 w16_if_less(w16 a, w16 b, w16 yes, w16 no) { return _mm512_mask_mov_epi16(no, _mm512_cmplt_epi16_mask(a, b), yes); }
EL_VEC w16 w16_if_zero(w16 a, w16 yes, w16 no) { return _mm512_mask_mov_epi16(no, _mm512_testn_epi16_mask(a, a), yes); }
/* 2 a, saturated, where `from` is not 0, else 0 */
EL_VEC w16 w16_twice_if(w16 a, w16 from) { return _mm512_maskz_adds_epi16(_mm512_test_epi16_mask(from, from), a, a); }
/* a, 0 or -a by the sign of `from` */
EL_VEC w16 w16_signed(w16 a, w16 from) {
    return _mm512_mullo_epi16(a, _mm512_or_si512(_mm512_srai_epi16(from, 15), _mm512_maskz_mov_epi16(_mm512_test_epi16_mask(from, from), _mm512_set1_epi16(1))));
}
EL_VEC wide w16_product(w16 a, w16 b) {
    w16 lo = _mm512_mullo_epi16(a, b), hi = _mm512_mulhi_epi16(a, b);
    return (wide){{{_mm512_unpacklo_epi16(lo, hi)}, {_mm512_unpackhi_epi16(lo, hi)}}};
}
EL_VEC w16 w16_narrow(wide a) { return _mm512_packs_epi32(a.v[0].v, a.v[1].v); }
EL_VEC void w16_store8(int8_t* p, w16 a) { _mm256_storeu_si256((__m256i*)p, _mm512_cvtsepi16_epi8(a)); }
#elif defined(__AVX2__)
typedef struct { q16 v[1]; } wide;
EL_VEC w16 w16_set(int32_t a) { return _mm256_set1_epi16((int16_t)a); }
EL_VEC w16 w16_constant(int32_t i) { return _mm256_load_si256((const __m256i*)el_qlstm_constants[i]); }
EL_VEC w16 w16_add(w16 a, w16 b) { return _mm256_add_epi16(a, b); }
EL_VEC w16 w16_adds(w16 a, w16 b) { return _mm256_adds_epi16(a, b); }
EL_VEC w16 w16_sub(w16 a, w16 b) { return _mm256_sub_epi16(a, b); }
EL_VEC w16 w16_min(w16 a, w16 b) { return _mm256_min_epi16(a, b); }
EL_VEC w16 w16_max(w16 a, w16 b) { return _mm256_max_epi16(a, b); }
EL_VEC w16 w16_and(w16 a, w16 b) { return _mm256_and_si256(a, b); }
EL_VEC w16 w16_xor(w16 a, w16 b) { return _mm256_xor_si256(a, b); }
EL_VEC w16 w16_mean_up(w16 a, w16 b) { return _mm256_avg_epu16(a, b); }
EL_VEC w16 w16_multiply(w16 a, w16 b) { return _mm256_mulhrs_epi16(a, b); }
EL_VEC w16 w16_shl(w16 a, int32_t n) { return _mm256_sll_epi16(a, _mm_cvtsi32_si128(n)); }
#define w16_shr(a, n) _mm256_srai_epi16(a, n)
EL_VEC w16 w16_if_zero(w16 a, w16 yes, w16 no) { return _mm256_blendv_epi8(no, yes, _mm256_cmpeq_epi16(a, _mm256_setzero_si256())); }
EL_VEC w16 w16_multiply_unless(w16 a, w16 b, w16 from, w16 bits) { return w16_if_zero(w16_and(from, bits), w16_multiply(a, b), a); }
EL_VEC w16 w16_twice_if(w16 a, w16 from) { return _mm256_andnot_si256(_mm256_cmpeq_epi16(from, _mm256_setzero_si256()), _mm256_adds_epi16(a, a)); }
EL_VEC w16 w16_signed(w16 a, w16 from) { return _mm256_sign_epi16(a, from); }
EL_VEC w16 w16_if_less(w16 a, w16 b, w16 yes, w16 no) { return _mm256_blendv_epi8(no, yes, _mm256_cmpgt_epi16(b, a)); }
EL_VEC wide w16_product(w16 a, w16 b) {
    w16 lo = _mm256_mullo_epi16(a, b), hi = _mm256_mulhi_epi16(a, b);
    return (wide){{{{_mm256_unpacklo_epi16(lo, hi), _mm256_unpackhi_epi16(lo, hi)}}}};
}
EL_VEC w16 w16_narrow(wide a) { return _mm256_packs_epi32(a.v[0].v[0], a.v[0].v[1]); }
EL_VEC void w16_store8(int8_t* p, w16 a) { _mm_storeu_si128((__m128i*)p, _mm_packs_epi16(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1))); }
#else
typedef struct { q16 v[1]; } wide;
#define EL_W_BOTH(f, a, b) ((w16){{f((a).v[0], (b).v[0]), f((a).v[1], (b).v[1])}})
#define EL_W_IF(c, yes, no) ((w16){{vbslq_s16(c(0), (yes).v[0], (no).v[0]), vbslq_s16(c(1), (yes).v[1], (no).v[1])}})
EL_VEC w16 w16_set(int32_t a) { return (w16){{vdupq_n_s16((int16_t)a), vdupq_n_s16((int16_t)a)}}; }
EL_VEC w16 w16_constant(int32_t i) { const int16x8_t v = vld1q_s16(el_qlstm_constants[i]); return (w16){{v, v}}; }
EL_VEC w16 w16_add(w16 a, w16 b) { return EL_W_BOTH(vaddq_s16, a, b); }
EL_VEC w16 w16_adds(w16 a, w16 b) { return EL_W_BOTH(vqaddq_s16, a, b); }
EL_VEC w16 w16_sub(w16 a, w16 b) { return EL_W_BOTH(vsubq_s16, a, b); }
EL_VEC w16 w16_min(w16 a, w16 b) { return EL_W_BOTH(vminq_s16, a, b); }
EL_VEC w16 w16_max(w16 a, w16 b) { return EL_W_BOTH(vmaxq_s16, a, b); }
EL_VEC w16 w16_and(w16 a, w16 b) { return EL_W_BOTH(vandq_s16, a, b); }
EL_VEC w16 w16_xor(w16 a, w16 b) { return EL_W_BOTH(veorq_s16, a, b); }
EL_VEC w16 w16_mean_up(w16 a, w16 b) { return EL_W_BOTH(vrhaddq_s16, a, b); }
EL_VEC w16 w16_multiply(w16 a, w16 b) { return EL_W_BOTH(vqrdmulhq_s16, a, b); }
EL_VEC w16 w16_shl(w16 a, int32_t n) { return EL_W_BOTH(vshlq_s16, a, w16_set(n)); }
#define w16_shr(a, n) ((w16){{vshrq_n_s16((a).v[0], n), vshrq_n_s16((a).v[1], n)}})
EL_VEC w16 w16_if_zero(w16 a, w16 yes, w16 no) {
#define IS_ZERO(i) vceqzq_s16(a.v[i])
    return EL_W_IF(IS_ZERO, yes, no);
#undef IS_ZERO
}
EL_VEC w16 w16_multiply_unless(w16 a, w16 b, w16 from, w16 bits) {
    const w16 product = w16_multiply(a, b);
#define HAS_BITS(i) vtstq_s16(from.v[i], bits.v[i])
    return EL_W_IF(HAS_BITS, a, product);
#undef HAS_BITS
}
EL_VEC w16 w16_twice_if(w16 a, w16 from) { return w16_if_zero(from, w16_set(0), w16_adds(a, a)); }
EL_VEC w16 w16_signed(w16 a, w16 from) {
#define SIGN(i) vorrq_s16(vshrq_n_s16(from.v[i], 15), vreinterpretq_s16_u16(vshrq_n_u16(vtstq_s16(from.v[i], from.v[i]), 15)))
    return (w16){{vmulq_s16(a.v[0], SIGN(0)), vmulq_s16(a.v[1], SIGN(1))}};
#undef SIGN
}
EL_VEC w16 w16_if_less(w16 a, w16 b, w16 yes, w16 no) {
#define IS_LESS(i) vcltq_s16(a.v[i], b.v[i])
    return EL_W_IF(IS_LESS, yes, no);
#undef IS_LESS
}
EL_VEC wide w16_product(w16 a, w16 b) {
    return (wide){{{{vmull_s16(vget_low_s16(a.v[0]), vget_low_s16(b.v[0])), vmull_high_s16(a.v[0], b.v[0]),
                     vmull_s16(vget_low_s16(a.v[1]), vget_low_s16(b.v[1])), vmull_high_s16(a.v[1], b.v[1])}}}};
}
EL_VEC w16 w16_narrow(wide a) { return w16_columns(a.v); }
EL_VEC void w16_store8(int8_t* p, w16 a) { vst1q_s8(p, vqmovn_high_s16(vqmovn_s16(a.v[0]), a.v[1])); }
#endif

/* ---- el_fixed16.h over lanes --------------------------------------------------------------------------------------- */

/* Sums are in the order in which their parts are there. */
EL_VEC w16 exp_negative(w16 a, const int32_t bits, const int32_t end) {
    const int32_t point = 15 - bits;
    const w16 x = w16_sub(w16_and(w16_shl(a, bits), w16_constant(EL_QLSTM_REST)), w16_constant(EL_QLSTM_POWER + 12)), eighth = w16_constant(EL_QLSTM_EIGHTH);
    const w16 x2 = w16_multiply(x, x), x3 = w16_multiply(x2, x), x4 = w16_multiply(x2, x2), quarter = w16_multiply(x4, w16_constant(EL_QLSTM_POWER + 13));
    const w16 tail = w16_shr(w16_add(w16_multiply(w16_add(quarter, x3), w16_constant(EL_QLSTM_THIRD)), w16_add(x2, w16_constant(EL_QLSTM_POWER))), 1);
    w16 result = w16_adds(eighth, w16_multiply(eighth, w16_add(x, tail)));
    /* The bits of the multiple are those that a lacks. */
    EL_EACH (int32_t k = -2; k <= 4; k++)
        if (k < end) result = w16_multiply_unless(result, w16_constant(EL_QLSTM_EXP + k + 2), a, w16_constant(EL_QLSTM_POWER + point + k));
    return bits > 5 ? w16_if_less(a, w16_set(-(1 << (point + 5))), w16_set(0), result) : result;
}

EL_VEC w16 reciprocal(w16 e) {
    const w16 half = w16_mean_up(e, w16_constant(EL_QLSTM_MAX));
    w16 x = w16_add(w16_constant(EL_QLSTM_48_17), w16_multiply(half, w16_constant(EL_QLSTM_32_17)));
    EL_EACH (int i = 0; i < 3; i++) x = w16_add(x, w16_shl(w16_multiply(x, w16_sub(w16_constant(EL_QLSTM_POWER + 13), w16_multiply(half, x))), 2));
    return x;
}

EL_VEC w16 negative(w16 a) { return w16_min(a, w16_sub(w16_set(0), a)); }

/* INT16_MAX - x is x with all bits but the sign changed. */
EL_VEC w16 logistic_of(w16 r, w16 a) {
    const w16 change = w16_if_zero(a, w16_constant(EL_QLSTM_POWER + 14), w16_and(w16_shr(a, 15), w16_constant(EL_QLSTM_MAX)));
    return w16_xor(w16_twice_if(r, a), change);
}
EL_VEC w16 logistic(w16 a, const int32_t bits) { return logistic_of(reciprocal(exp_negative(negative(a), bits, bits)), a); }

EL_VEC w16 hyperbolic_of(w16 r, w16 a) {
    w16 t = w16_sub(r, w16_constant(EL_QLSTM_POWER + 13));
    t = w16_adds(t, t), t = w16_adds(t, t);
    return w16_signed(t, a);
}
EL_VEC w16 hyperbolic(w16 a, const int32_t bits) { return hyperbolic_of(reciprocal(exp_negative(negative(a), bits + 1, bits + 1)), a); }

/* ---- cells ------------------------------------------------------------------------------------------------------------ */

static void peep(const el_qlstm* l, int32_t g) {
    const scaling s = scaling_of(l->scale + 8 + g);
    int16_t *v = l->gate + g * l->width, *w = l->weights_c + (g == 3 ? 2 : g) * l->width;
    for (int64_t k = 0; k < l->p->cells; k += 16)
        q16_store16(v + k, q16_add(q16_load16(v + k), scaled(q16_mul(q16_load16(w + k), q16_load16(l->state + k)), s)));
}

/* el_rounding_divide_by_pot of products of int16, 1 <= n <= 30: halves away from zero */
EL_VEC q16 q16_divide_product(q16 a, int32_t n) { return q16_sar(q16_add(q16_add(a, q16_set(1 << (n - 1))), q16_sar(a, 31)), n); }

/* c' from i, f, g of EL_BLOCK cells */
EL_VEC w16 next_cells(const el_qlstm* l, const w16* v, w16 c) {
    const el_qlstm_params* p = l->p;
    const w16 f = logistic(v[1], 3), g = hyperbolic(v[2], 3), i = l->first ? w16_sub(w16_set(INT16_MAX), f) : logistic(v[0], 3);
    wide kept = w16_product(f, c), added = w16_product(i, g);
    EL_EACH (int h = 0; h < EL_Q; h++) {
        kept.v[h] = q16_divide_product(kept.v[h], 15);
        added.v[h] = q16_divide_product(added.v[h], 30 + p->cell_shift);
    }
    c = w16_adds(w16_narrow(kept), w16_narrow(added));
    return p->cell_clip > 0 ? w16_min(w16_max(c, w16_set(-p->cell_clip)), w16_set(p->cell_clip)) : c;
}

/* h' from o and c' */
EL_VEC void put_out(const el_qlstm* l, w16 o, w16 c, int8_t* hidden) {
    const el_qlstm_params* p = l->p;
    const scaling s = scaling_of(l->scale + EL_QLSTM_OF_HIDDEN);
    wide h = w16_product(logistic(o, 3), hyperbolic(c, 15 + p->cell_shift));
    EL_EACH (int q = 0; q < EL_Q; q++) h.v[q] = scaled(h.v[q], s);
    w16_store8(hidden, w16_adds(w16_narrow(h), w16_set(p->y_zero))); /* saturating early changes nothing that ends in int8 */
}

#endif
