/* The end of a tile over sixteen-lane vectors: y = clamp(requantized acc + y_zero). acc is [row_count][64]. */
#ifndef EL_QMAT_FINISH_H
#define EL_QMAT_FINISH_H
#include "qfinish.h"

#if defined(__AVX2__)
EL_VEC void finish_panel(const el_qtile* t, const int32_t* acc, int32_t p, const int once, const int exact) {
    const el_qpanel* e = &t->panels[p];
    const q_near n = q_near_load(t->y_zero, t->y_min, t->y_max);
    const q_near_columns c = q_near_columns_load(e, &n, exact);
    const int32_t column = t->y_column + p * 16, count = t->columns - p * 16;
    acc += p * 16;
    for (int32_t r = 0; r < t->row_count; r += Q_GROUP) {
        int8_t part[Q_GROUP][16], *y[Q_GROUP];
        const int32_t* sums[Q_GROUP];
        q16 u[Q_GROUP];
        EL_UNROLL for (int i = 0; i < Q_GROUP; i++) { /* rows past the last repeat it */
            const int32_t row = r + i < t->row_count ? r + i : t->row_count - 1;
            sums[i] = acc + row * 64, y[i] = count < 16 ? part[i] : t->y[row] + column;
            u[i] = q_near_of(q16_load(sums[i]), &c, &n, once, exact);
        }
        q16_store_rows(u, n.bounds, y, exact);
        if (!exact && __builtin_expect(q_near_in_doubt(u), 0))
            for (int i = 0; i < Q_GROUP; i++) q_near_repair(sums[i], 1, e, 0, t->y_zero, t->y_min, t->y_max, t->once, y[i], 0);
        if (count < 16)
            for (int i = 0; i < Q_GROUP; i++) q_copy_part(t->y[r + i < t->row_count ? r + i : t->row_count - 1] + column, part[i], count);
    }
}

static __attribute__((noinline)) void finish_once(const el_qtile* t, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) finish_panel(t, acc, p, 1, 0);
}
static __attribute__((noinline)) void finish_exact(const el_qtile* t, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) finish_panel(t, acc, p, 1, 1);
}
static __attribute__((noinline)) void finish_any(const el_qtile* t, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) finish_panel(t, acc, p, 0, 0);
}
/* Panels of the rule that rounds once have a nudge of 0: the form of both rules does for the few rows that cores of AVX-512 do not round themselves. */
static void finish_rows(const el_qtile* t, const int32_t* acc) {
    if (t->once && !(t->shifts & EL_QDOUBT)) finish_exact(t, acc);
    else (Q_GROUP == 2 && t->once ? finish_once : finish_any)(t, acc);
}
#else
/* el_requantize_once, four columns each: floor(s * multiplier / 2^31), then VRSHL rounds the shift by `right`, halves up.
 * Floors nest, so this rounds once; without a right shift it is the multiplication that rounds. */
typedef struct q4_once {
    int32x4_t multiplier, minus_right, left;
    uint32x4_t shifted; /* right > 0 */
} q4_once;

EL_VEC int32x4_t q4_requantize_once(int32x4_t a, const q4_once* c) {
    a = vqshlq_s32(a, c->left);
    int32x4_t high = vbslq_s32(c->shifted, vqdmulhq_s32(a, c->multiplier), vqrdmulhq_s32(a, c->multiplier));
    return vrshlq_s32(high, c->minus_right);
}

typedef q4_once q16_once[4];
EL_VEC void q16_once_load(q16_once c, const el_qpanel* e) {
    for (int i = 0; i < 4; i++) {
        const int32x4_t shift = vld1q_s32(e->shift + 4 * i), none = vdupq_n_s32(0);
        c[i] = (q4_once){vld1q_s32(e->multiplier + 4 * i), vminq_s32(shift, none), vmaxq_s32(shift, none), vcltzq_s32(shift)};
    }
}
EL_VEC q16 q16_requantize_once(q16 a, const q16_once c) {
    EL_UNROLL for (int i = 0; i < 4; i++) a.v[i] = q4_requantize_once(a.v[i], &c[i]);
    return a;
}

EL_VEC void finish_store(const el_qtile* t, int32_t row, int32_t p, q16 v) {
    q16_store8_part(t->y[row] + t->y_column + p * 16, q16_clamp(v, t->y_zero, t->y_min, t->y_max), t->columns - p * 16);
}

EL_VEC void finish_once(const el_qtile* t, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) {
        q16_once c;
        q16_once_load(c, &t->panels[p]);
        for (int32_t r = 0; r < t->row_count; r++) finish_store(t, r, p, q16_requantize_once(q16_load(acc + r * 64 + p * 16), c));
    }
}

static __attribute__((noinline)) void finish_twice(const el_qtile* t, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) {
        const el_qpanel* e = &t->panels[p];
        q16 m = q16_load(e->multiplier), shift = q16_load(e->shift), none = q16_set(0), left = q16_max(shift, none), right = q16_max(q16_sub(none, shift), none);
        for (int32_t r = 0; r < t->row_count; r++) finish_store(t, r, p, q16_requantize(q16_load(acc + r * 64 + p * 16), m, left, right));
    }
}

static __attribute__((noinline)) void finish_any(const el_qtile* t, const int32_t* acc) { finish_once(t, acc); }
static __attribute__((noinline)) void finish_left(const el_qtile* t, const int32_t* acc) { q_finish_simple(t, acc, Q_ONCE_LEFT); }
static __attribute__((noinline)) void finish_simple(const el_qtile* t, const int32_t* acc) { q_finish_simple(t, acc, Q_ONCE); }

static void finish_rows(const el_qtile* t, const int32_t* acc) {
    if (!t->once) finish_twice(t, acc);
    else if (t->shifts & EL_QSHIFT_FAR) finish_any(t, acc);
    else if (t->shifts & EL_QSHIFT_ANY) finish_left(t, acc);
    else finish_simple(t, acc);
}
#endif
#endif
