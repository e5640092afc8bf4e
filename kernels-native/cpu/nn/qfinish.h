/* The end of sixteen lanes: y = clamp(requantized acc + y_zero), 16 bytes stored. By Q_ONCE or Q_TWICE, which are the two rules
 * of el_quant.h for shifts in [-23, -1], or by Q_TWICE_ANY, for every shift; Q_ONCE_LEFT is Q_ONCE for shifts from -23 up, Q_TWICE_EXACT is
 * Q_TWICE on x86 where nobody is in doubt and y_zero is -128.
 * Q_GROUP: sums that are stored together. */
#ifndef EL_QFINISH_H
#define EL_QFINISH_H
#include "qmat.h"
#include "qvec.h"

enum { Q_ONCE, Q_ONCE_LEFT, Q_TWICE, Q_TWICE_ANY, Q_TWICE_EXACT };
#define Q_IS_ONCE(rule) ((rule) == Q_ONCE || (rule) == Q_ONCE_LEFT)

/* The first `count` (1..15) bytes of a stored vector. */
EL_VEC void q_copy_part(int8_t* y, const int8_t* v, int32_t count) {
    if (count & 8) memcpy(y, v, 8), y += 8, v += 8;
    if (count & 4) memcpy(y, v, 4), y += 4, v += 4;
    if (count & 2) memcpy(y, v, 2), y += 2, v += 2;
    if (count & 1) *y = *v;
}

#if defined(__AVX2__)
#include "qfinish_near.h"
#define Q_ANY 0 /* Q_TWICE suits every shift */

typedef struct q_end {
    q_near near;
    q_near_columns columns;
    int32_t zero, y_min, y_max;
} q_end;

EL_VEC q_end q_end_load(const el_qpanel* e, int32_t zero, int32_t lo, int32_t hi, int32_t shifts, const int rule) {
    q_end c = {.near = q_near_load(zero, lo, hi), .zero = zero, .y_min = lo, .y_max = hi};
    c.columns = q_near_columns_load(e, &c.near, rule == Q_TWICE_EXACT);
    return c;
}

/* acc[i] to y + i*step; e: of the columns c */
EL_VEC void q_end_store(const q16 acc[Q_GROUP], const q_end* c, const int rule, const el_qpanel* e, int8_t* y, int64_t step) {
    q16 u[Q_GROUP];
    int8_t* to[Q_GROUP];
    EL_UNROLL for (int i = 0; i < Q_GROUP; i++) {
        u[i] = q_near_of(acc[i], &c->columns, &c->near, Q_IS_ONCE(rule), rule == Q_TWICE_EXACT);
        to[i] = y + i * step;
    }
    q16_store_rows(u, c->near.bounds, to, rule == Q_TWICE_EXACT);
    if (rule != Q_TWICE_EXACT && __builtin_expect(q_near_in_doubt(u), 0)) {
        int32_t sums[Q_GROUP * 16];
        EL_UNROLL for (int i = 0; i < Q_GROUP; i++) q16_store(sums + i * 16, acc[i]);
        q_near_repair(sums, Q_GROUP, e, 0, c->zero, c->y_min, c->y_max, Q_IS_ONCE(rule), y, step);
    }
}
#elif defined(__aarch64__)
#define Q_GROUP 1
#define Q_ANY 1

typedef struct q_end {
    int32x4_t m[4], left[4], minus_right[4];
    uint32x4_t shifted[4]; /* right > 0 */
    int16x8_t zero;
    int8x16_t lo, hi;
} q_end;

EL_VEC q_end q_end_load(const el_qpanel* e, int32_t zero, int32_t lo, int32_t hi, int32_t shifts, const int rule) {
    q_end c;
    c.zero = vdupq_n_s16((int16_t)zero), c.lo = vdupq_n_s8((int8_t)lo), c.hi = vdupq_n_s8((int8_t)hi);
    EL_UNROLL for (int i = 0; i < 4; i++) {
        const int32x4_t shift = vld1q_s32(e->shift + 4 * i), none = vdupq_n_s32(0);
        c.m[i] = vld1q_s32(e->multiplier + 4 * i), c.minus_right[i] = vminq_s32(shift, none);
        if (rule == Q_ONCE_LEFT || rule == Q_TWICE_ANY) c.left[i] = vmaxq_s32(shift, none), c.shifted[i] = vcltzq_s32(shift);
    }
    return c;
}

/* Once: floor(acc * m / 2^31), then VRSHL rounds halves up; floors nest. Twice: q4_divide_pot tells how; t is above INT32_MIN.
 * Saturating to int16 before y_zero is added changes nothing that is clamped to int8. */
EL_VEC void q_end_store_one(q16 a, const q_end* c, const int rule, int8_t* y) {
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
EL_VEC void q_end_store(const q16 acc[1], const q_end* c, const int rule, const el_qpanel* e, int8_t* y, int64_t step) { q_end_store_one(acc[0], c, rule, y); }

/* All rows of a tile whose shifts suit the rule; acc[row][64] */
EL_VEC void q_finish_simple(const el_qtile* t, const int32_t* acc, const int rule) {
    for (int32_t p = 0; p < t->panel_count; p++, acc += 16) {
        const q_end end = q_end_load(&t->panels[p], t->y_zero, t->y_min, t->y_max, t->shifts, rule);
        const int32_t column = t->y_column + p * 16, count = t->columns - p * 16;
        if (count >= 16) {
            for (int32_t r = 0; r < t->row_count; r++) q_end_store_one(q16_load(acc + r * 64), &end, rule, t->y[r] + column);
        } else {
            int8_t v[16];
            for (int32_t r = 0; r < t->row_count; r++) {
                q_end_store_one(q16_load(acc + r * 64), &end, rule, v);
                q_copy_part(t->y[r] + column, v, count);
            }
        }
    }
}
#endif
#endif
