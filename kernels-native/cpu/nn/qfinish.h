/* The end of sixteen lanes: y = clamp(requantized acc + y_zero), 16 bytes stored. By Q_ONCE or Q_TWICE, which are the two rules
 * of el_quant.h for shifts in [-23, -1], or by Q_TWICE_ANY, for every shift; Q_ONCE_LEFT is Q_ONCE for shifts from -23 up.
 * On x86, where qfinish_near.h has what rounds once, Q_TWICE is the 64-bit step of el_qpanel with y_zero << shift added to it, which
 * overflows neither 64 bits nor, as the result is at most 2^30, the 32 bits that are kept. */
#ifndef EL_QFINISH_H
#define EL_QFINISH_H
#include "qmat.h"
#include "qvec.h"

enum { Q_ONCE, Q_ONCE_LEFT, Q_TWICE, Q_TWICE_ANY };
#define Q_IS_ONCE(rule) ((rule) == Q_ONCE || (rule) == Q_ONCE_LEFT)

#if defined(__AVX512BW__)
typedef struct q_end {
    __m512i m[2], round[2], shift[2], carry; /* [even, odd lanes] */
    __m128i lo, hi;
    q16 multiplier, left, right;
    int32_t zero, y_min, y_max;
} q_end;

EL_VEC q_end q_end_load(const el_qpanel* e, int32_t zero, int32_t lo, int32_t hi, const int rule) {
    q_end c = {.zero = zero, .y_min = lo, .y_max = hi, .lo = _mm_set1_epi8((char)lo), .hi = _mm_set1_epi8((char)hi)};
    if (rule == Q_TWICE_ANY) {
        c.multiplier = q16_load(e->multiplier), c.left = q16_load(e->left), c.right = q16_load(e->right);
        return c;
    }
    c.carry = _mm512_set1_epi64(1ll << 31);
    c.m[0] = _mm512_loadu_si512(e->multiplier);
    c.m[1] = _mm512_srli_epi64(c.m[0], 32);
    EL_UNROLL for (int i = 0; i < 2; i++) {
        c.shift[i] = _mm512_loadu_si512(e->shift[i]);
        c.round[i] = _mm512_add_epi64(_mm512_loadu_si512(e->round[i]), _mm512_sllv_epi64(_mm512_set1_epi64(zero), c.shift[i]));
    }
    return c;
}

EL_VEC void q_end_store(q16 a, const q_end* c, const int rule, int8_t* y) {
    if (rule == Q_TWICE_ANY) {
        q16_store8(y, q16_clamp(q16_requantize(a, c->multiplier, c->left, c->right), c->zero, c->y_min, c->y_max));
        return;
    }
    __m512i odd = _mm512_srli_epi64(a.v, 32);
    __m512i n0 = _mm512_sub_epi64(c->round[0], _mm512_and_si512(a.v, c->carry));
    __m512i n1 = _mm512_sub_epi64(c->round[1], _mm512_and_si512(odd, c->carry));
    __m512i even = _mm512_srav_epi64(_mm512_add_epi64(_mm512_mul_epi32(a.v, c->m[0]), n0), c->shift[0]);
    odd = _mm512_srav_epi64(_mm512_add_epi64(_mm512_mul_epi32(odd, c->m[1]), n1), c->shift[1]);
    __m128i v = _mm512_cvtsepi32_epi8(_mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA));
    _mm_storeu_si128((__m128i*)y, _mm_min_epi8(_mm_max_epi8(v, c->lo), c->hi));
}
#elif defined(__AVX2__)
/* There is no arithmetic 64-bit shift: 2^63 is added before a logical one and 2^63 >> (31 + right) = 2^(32 - right) taken off. */
typedef struct q_end {
    __m256i m[2][2], round[2][2], shift[2][2], offset[2], carry; /* [half][even, odd lanes] */
    __m128i lo, hi;
    q16 multiplier, left, right;
    int32_t zero, y_min, y_max;
} q_end;

EL_VEC q_end q_end_load(const el_qpanel* e, int32_t zero, int32_t lo, int32_t hi, const int rule) {
    q_end c = {.zero = zero, .y_min = lo, .y_max = hi, .lo = _mm_set1_epi8((char)lo), .hi = _mm_set1_epi8((char)hi)};
    if (rule == Q_TWICE_ANY) {
        c.multiplier = q16_load(e->multiplier), c.left = q16_load(e->left), c.right = q16_load(e->right);
        return c;
    }
    c.carry = _mm256_set1_epi64x(1ll << 31);
    EL_UNROLL for (int h = 0; h < 2; h++) {
        c.m[h][0] = _mm256_loadu_si256((const __m256i*)(e->multiplier + 8 * h));
        c.m[h][1] = _mm256_srli_epi64(c.m[h][0], 32);
        EL_UNROLL for (int i = 0; i < 2; i++) {
            c.round[h][i] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i*)(e->round[i] + 4 * h)), _mm256_set1_epi64x(INT64_MIN));
            c.shift[h][i] = _mm256_loadu_si256((const __m256i*)(e->shift[i] + 4 * h));
        }
        __m256i right = _mm256_loadu_si256((const __m256i*)(e->right + 8 * h));
        c.offset[h] = _mm256_sub_epi32(_mm256_set1_epi32(zero), _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_sub_epi32(_mm256_set1_epi32(32), right)));
    }
    return c;
}

EL_VEC __m256i q_end_half(__m256i a, const q_end* c, const int h) {
    __m256i odd = _mm256_srli_epi64(a, 32);
    __m256i n0 = _mm256_sub_epi64(c->round[h][0], _mm256_and_si256(a, c->carry));
    __m256i n1 = _mm256_sub_epi64(c->round[h][1], _mm256_and_si256(odd, c->carry));
    __m256i even = _mm256_srlv_epi64(_mm256_add_epi64(_mm256_mul_epi32(a, c->m[h][0]), n0), c->shift[h][0]);
    odd = _mm256_srlv_epi64(_mm256_add_epi64(_mm256_mul_epi32(odd, c->m[h][1]), n1), c->shift[h][1]);
    return _mm256_add_epi32(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa), c->offset[h]);
}

EL_VEC void q_end_store(q16 a, const q_end* c, const int rule, int8_t* y) {
    if (rule == Q_TWICE_ANY) {
        q16_store8(y, q16_clamp(q16_requantize(a, c->multiplier, c->left, c->right), c->zero, c->y_min, c->y_max));
        return;
    }
    __m256i w = _mm256_packs_epi32(q_end_half(a.v[0], c, 0), q_end_half(a.v[1], c, 1)); /* elements 0..3 8..11 4..7 12..15 */
    __m128i v = _mm_shuffle_epi32(_mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)), 0xd8);
    _mm_storeu_si128((__m128i*)y, _mm_min_epi8(_mm_max_epi8(v, c->lo), c->hi));
}
#elif defined(__aarch64__)
typedef struct q_end {
    int32x4_t m[4], left[4], minus_right[4];
    uint32x4_t shifted[4]; /* right > 0 */
    int16x8_t zero;
    int8x16_t lo, hi;
} q_end;

EL_VEC q_end q_end_load(const el_qpanel* e, int32_t zero, int32_t lo, int32_t hi, const int rule) {
    q_end c;
    c.zero = vdupq_n_s16((int16_t)zero), c.lo = vdupq_n_s8((int8_t)lo), c.hi = vdupq_n_s8((int8_t)hi);
    EL_UNROLL for (int i = 0; i < 4; i++) {
        c.m[i] = vld1q_s32(e->multiplier + 4 * i), c.minus_right[i] = vnegq_s32(vld1q_s32(e->right + 4 * i));
        if (rule == Q_ONCE_LEFT || rule == Q_TWICE_ANY) c.left[i] = vld1q_s32(e->left + 4 * i), c.shifted[i] = vcltzq_s32(c.minus_right[i]);
    }
    return c;
}

/* Once: floor(acc * m / 2^31), then VRSHL rounds halves up; floors nest. Twice: q4_divide_pot tells how; t is above INT32_MIN.
 * Saturating to int16 before y_zero is added changes nothing that is clamped to int8. */
EL_VEC void q_end_store(q16 a, const q_end* c, const int rule, int8_t* y) {
    int32x4_t v[4];
    EL_UNROLL for (int i = 0; i < 4; i++) {
        int32x4_t t = a.v[i];
        if (Q_IS_ONCE(rule)) {
            /* without a right shift it is the multiplication that rounds */
            if (rule == Q_ONCE_LEFT) t = vqshlq_s32(t, c->left[i]);
            t = rule == Q_ONCE ? vqdmulhq_s32(t, c->m[i]) : vbslq_s32(c->shifted[i], vqdmulhq_s32(t, c->m[i]), vqrdmulhq_s32(t, c->m[i]));
        } else {
            t = vqrdmulhq_s32(rule == Q_TWICE ? t : vshlq_s32(t, c->left[i]), c->m[i]);
            t = vsraq_n_s32(t, rule == Q_TWICE ? t : vandq_s32(t, c->minus_right[i]), 31);
        }
        v[i] = vrshlq_s32(t, c->minus_right[i]);
    }
    int16x8_t lo = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(v[0]), v[1]), c->zero), hi = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(v[2]), v[3]), c->zero);
    vst1q_s8(y, vminq_s8(vmaxq_s8(vqmovn_high_s16(vqmovn_s16(lo), hi), c->lo), c->hi));
}
#endif

/* The first `count` (1..15) bytes of a stored vector. */
EL_VEC void q_copy_part(int8_t* y, const int8_t* v, int32_t count) {
    if (count & 8) memcpy(y, v, 8), y += 8, v += 8;
    if (count & 4) memcpy(y, v, 4), y += 4, v += 4;
    if (count & 2) memcpy(y, v, 2), y += 2, v += 2;
    if (count & 1) *y = *v;
}

#if defined(__aarch64__)
/* All rows of a tile whose shifts suit the rule; acc[row][64] */
EL_VEC void q_finish_simple(const el_qtile* t, const int32_t* acc, const int rule) {
    for (int32_t p = 0; p < t->panel_count; p++, acc += 16) {
        const q_end end = q_end_load(&t->panels[p], t->y_zero, t->y_min, t->y_max, rule);
        const int32_t column = t->y_column + p * 16, count = t->columns - p * 16;
        if (count >= 16) {
            for (int32_t r = 0; r < t->row_count; r++) q_end_store(q16_load(acc + r * 64), &end, rule, t->y[r] + column);
        } else {
            int8_t v[16];
            for (int32_t r = 0; r < t->row_count; r++) {
                q_end_store(q16_load(acc + r * 64), &end, rule, v);
                q_copy_part(t->y[r] + column, v, count);
            }
        }
    }
}
#endif
#endif
