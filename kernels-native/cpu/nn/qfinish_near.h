/* Requantization on x86, by both rules of el_quant.h (rounding once or twice): sums of int32 become int8 by way of float32. Where the rounding of floats
 * may have changed a result, that one number is computed again in integers.
 *
 * Rounding once asks for y = floor(acc * multiplier * 2^(shift - 31) + 1/2) + y_zero. One multiply-add of floats gives it with 16 bits of fraction:
 *     u = round(acc * scale + base), scale = multiplier * 2^(shift - 15), base = (y_zero + 1/2) * 2^16 + 3
 * The upper 16 bits of u are y, which saturating conversions bring to int8, unless its lower 16 bits are below 6. Such a number is in doubt; one in 10,923 is.
 * Proof: let y fit into int8, so that |acc * scale| <= 255.5 * 2^16. Rounding acc and scale to floats moves their product by less than 1 each; rounding the
 * sum, at most 2^23 in size, moves it by 1/4 at most, and rounding to u by 1/2. Together that is less than 3, the 3 in base. So the exact number lies between
 * u - 6 and u; where the lower bits of u are 6 or more, no multiple of 2^16, at which y steps, lies between these two. Where y does not fit into int8, u is
 * beyond the same bound of int8, as every step is monotone; where u does not fit into int32, it becomes INT32_MIN, whose lower bits are 0: in doubt.
 * Rounding twice shifts the place where y steps: y = floor(acc * multiplier * 2^(shift - 31) + 1/2 +- 2^(shift - 1)), minus for a negative acc, where
 * shift < 0 (el_qpanel proves it): `nudge` = 2^(shift + 15) is added to base or taken from it, and may round by another 1/4. Where acc << shift would wrap around, u
 * does not fit into int32.
 *
 * Nobody is in doubt (EL_QDOUBT is not set) where y_min and y_max are those of int8 and either the converter has proven (el_quant.h, near) that without any look
 *     y = floor(acc * whole + base), acc and the multiply-add rounded down
 * is right, or scale and nudge are integers, as our quantizer chooses factors: whole = scale * 2^-16, base = y_zero + 1/2, plus nudge * 2^-16 where the rule rounds twice.
 * Proof of the latter: acc * whole + base is a multiple of 2^-16, which 24 bits hold up to 256 in size; beyond it, and so with an acc that rounds, it ends at a bound of int8. Sums stay so small that
 * it fits into int32 and, rounded twice, acc << shift does. For a negative acc the nudge has the wrong sign, which leaves y <= y_zero: this form of rounding twice is
 * for a y_zero of -128 alone, as after a ReLU.
 * AVX-512 says how an instruction rounds. AVX2 asks the thread to round down while it computes its piece of such a layer (el_round_down), which takes 9 ns there and back;
 * layers of a few rows (EL_FEW_ROWS) are asked for doubt instead. */
#ifndef EL_QFINISH_NEAR_H
#define EL_QFINISH_NEAR_H
#include "qmat.h"
#include "qvec.h"

#define Q_NEAR_DOUBT 6

EL_VEC float q_near_base(int32_t y_zero) { return (float)(65536 * y_zero + 32768 + Q_NEAR_DOUBT / 2); }

#if defined(__AVX512BW__)
typedef struct q_near {
    __m512 base;
    q_bounds bounds;
} q_near;
typedef struct q_near_columns { /* of a panel; base: nudge, unless exact */
    __m512 scale, base;
} q_near_columns;

EL_VEC q_near q_near_load(int32_t y_zero, int32_t y_min, int32_t y_max) { return (q_near){_mm512_set1_ps(q_near_base(y_zero)), q_bounds_set(y_min, y_max)}; }
EL_VEC q_near_columns q_near_columns_load(const el_qpanel* e, const q_near* n, const int exact) {
    return (q_near_columns){_mm512_load_ps(exact ? e->whole : e->scale), _mm512_load_ps(exact ? e->base : e->nudge)};
}

EL_VEC q16 q_near_of(q16 acc, const q_near_columns* c, const q_near* n, const int once, const int exact) {
    const int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
    if (exact) return (q16){_mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(_mm512_cvt_roundepi32_ps(acc.v, down), c->scale, c->base, down), down)};
    const __m512 a = _mm512_cvtepi32_ps(acc.v);
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    const __m512 base = once ? n->base : _mm512_add_ps(n->base, _mm512_castsi512_ps(_mm512_ternarylogic_epi32(acc.v, sign, _mm512_castps_si512(c->base), 0xea)));
    return (q16){_mm512_cvtps_epi32(_mm512_fmadd_ps(a, c->scale, base))};
}
#else
typedef struct q_near {
    __m256 base;
    q_bounds bounds;
} q_near;
typedef struct q_near_columns { /* base of acc >= 0, of acc < 0, unless exact */
    __m256 scale[2], base[2][2];
} q_near_columns;

EL_VEC q_near q_near_load(int32_t y_zero, int32_t y_min, int32_t y_max) { return (q_near){_mm256_set1_ps(q_near_base(y_zero)), q_bounds_set(y_min, y_max)}; }
EL_VEC q_near_columns q_near_columns_load(const el_qpanel* e, const q_near* n, const int exact) {
    q_near_columns c;
    EL_UNROLL for (int h = 0; h < 2; h++) {
        c.scale[h] = _mm256_load_ps((exact ? e->whole : e->scale) + 8 * h);
        const __m256 base = _mm256_load_ps((exact ? e->base : e->nudge) + 8 * h);
        c.base[0][h] = exact ? base : _mm256_add_ps(n->base, base), c.base[1][h] = _mm256_sub_ps(n->base, base);
    }
    return c;
}

EL_VEC q16 q_near_of(q16 acc, const q_near_columns* c, const q_near* n, const int once, const int exact) {
    q16 u;
    EL_UNROLL for (int h = 0; h < 2; h++) {
        __m256 base = exact ? c->base[0][h] : once ? n->base : _mm256_blendv_ps(c->base[0][h], c->base[1][h], _mm256_castsi256_ps(acc.v[h]));
        u.v[h] = _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(acc.v[h]), c->scale[h], base));
    }
    return u;
}
#endif

/* Whether one of Q_GROUP numbers is in doubt. */
EL_VEC int q_near_in_doubt(const q16 u[Q_GROUP]) {
    q16 least = u[0];
    EL_UNROLL for (int i = 1; i < Q_GROUP; i++) least = q16_min_u16(least, u[i]);
    return q16_low_below(least, Q_NEAR_DOUBT) != 0;
}

/* What is in doubt of `count` vectors of sums, by the rules themselves: vector i, of panel e[i * e_step], goes to y + i * step. */
static __attribute__((noinline)) void q_near_repair(const int32_t* acc, int32_t count, const el_qpanel* e, int32_t e_step, int32_t y_zero, int32_t y_min, int32_t y_max, int once,
                                                    int8_t* y, int64_t step) {
    const q_near n = q_near_load(y_zero, y_min, y_max);
    for (int32_t i = 0; i < count; i++, acc += 16, e += e_step, y += step) {
        const q_near_columns c = q_near_columns_load(e, &n, 0);
        const q16 a = q16_load(acc);
        uint32_t lanes = q16_low_below(q_near_of(a, &c, &n, 0, 0), Q_NEAR_DOUBT);
        for (; lanes != 0; lanes &= lanes - 1) {
            const int j = __builtin_ctz(lanes);
            const int32_t v = (once ? el_requantize_once : el_requantize)(acc[j], e->multiplier[j], e->shift[j]);
            y[j] = (int8_t)el_clamp_s8(v, y_zero, y_min, y_max);
        }
    }
}
#endif
