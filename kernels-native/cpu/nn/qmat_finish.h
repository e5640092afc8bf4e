/* The end of a tile over sixteen-lane vectors: y = clamp(requantized acc + y_zero). acc is [row_count][64]. */
#ifndef EL_QMAT_FINISH_H
#define EL_QMAT_FINISH_H
#include "qfinish.h"

#if defined(__AVX2__)
#include "qfinish_near.h"
/* el_requantize_once, eight columns `half` of a panel: the 64-bit step of el_qpanel. There is no arithmetic 64-bit shift, so
 * 2^63 is added before a logical one, and 2^63 >> shift = 2^(32-right) taken off after it; 32 bits of that suffice. */
typedef struct q8_once {
    __m256i multiplier[2], round[2], shift[2], offset, left; /* [even, odd columns] */
} q8_once;

EL_VEC q8_once q8_once_load(const el_qpanel* e, int half) {
    q8_once c;
    __m256i right = _mm256_load_si256((const __m256i*)(e->right + 8 * half)), sign = _mm256_set1_epi64x(INT64_MIN);
    c.multiplier[0] = _mm256_load_si256((const __m256i*)(e->multiplier + 8 * half));
    c.multiplier[1] = _mm256_srli_epi64(c.multiplier[0], 32);
    for (int odd = 0; odd < 2; odd++) {
        c.round[odd] = _mm256_xor_si256(_mm256_load_si256((const __m256i*)(e->round[odd] + 4 * half)), sign);
        c.shift[odd] = _mm256_load_si256((const __m256i*)(e->shift[odd] + 4 * half));
    }
    c.offset = _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_sub_epi32(_mm256_set1_epi32(32), right)); /* 0 for right = 0 */
    c.left = _mm256_load_si256((const __m256i*)(e->left + 8 * half));
    return c;
}

EL_VEC __m256i q8_requantize_once(__m256i a, const q8_once* c) {
    /* the left shift saturates */
    __m256i most = _mm256_srlv_epi32(_mm256_set1_epi32(INT32_MAX), c->left), least = _mm256_xor_si256(most, _mm256_set1_epi32(-1));
    a = _mm256_sllv_epi32(_mm256_min_epi32(_mm256_max_epi32(a, least), most), c->left);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, c->multiplier[0]), c->round[0]);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), c->multiplier[1]), c->round[1]);
    even = _mm256_srlv_epi64(even, c->shift[0]);
    odd = _mm256_slli_epi64(_mm256_srlv_epi64(odd, c->shift[1]), 32);
    return _mm256_sub_epi32(_mm256_blend_epi32(even, odd, 0xaa), c->offset);
}

typedef q8_once q16_once[2];
EL_VEC void q16_once_load(q16_once c, const el_qpanel* e) { c[0] = q8_once_load(e, 0), c[1] = q8_once_load(e, 1); }
EL_VEC q16 q16_requantize_once(q16 a, const q16_once c) {
    return (q16){{q8_requantize_once(a.v[0], &c[0]), q8_requantize_once(a.v[1], &c[1])}};
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
        int32x4_t right = vld1q_s32(e->right + 4 * i);
        c[i] = (q4_once){vld1q_s32(e->multiplier + 4 * i), vnegq_s32(right), vld1q_s32(e->left + 4 * i), vcgtzq_s32(right)};
    }
}
EL_VEC q16 q16_requantize_once(q16 a, const q16_once c) {
    EL_UNROLL for (int i = 0; i < 4; i++) a.v[i] = q4_requantize_once(a.v[i], &c[i]);
    return a;
}
#endif

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
        q16 m = q16_load(e->multiplier), left = q16_load(e->left), right = q16_load(e->right);
        for (int32_t r = 0; r < t->row_count; r++) finish_store(t, r, p, q16_requantize(q16_load(acc + r * 64 + p * 16), m, left, right));
    }
}

#if defined(__AVX2__)
static __attribute__((noinline)) void finish_exact(const el_qtile* t, const int32_t* acc, int32_t p) {
    el_qtile one = *t;
    one.panels += p, one.panel_count = 1, one.y_column += p * 16, one.columns -= p * 16;
    finish_once(&one, acc + p * 16);
}
static __attribute__((noinline)) void finish_near(const el_qtile* t, const int32_t* acc) {
    const q_near n = q_near_load(t);
    for (int32_t p = 0; p < t->panel_count; p++)
        if (q_near_panel(t, acc, p, &n)) finish_exact(t, acc, p);
}
#else
static __attribute__((noinline)) void finish_any(const el_qtile* t, const int32_t* acc) { finish_once(t, acc); }
static __attribute__((noinline)) void finish_left(const el_qtile* t, const int32_t* acc) { q_finish_simple(t, acc, Q_ONCE_LEFT); }
static __attribute__((noinline)) void finish_simple(const el_qtile* t, const int32_t* acc) { q_finish_simple(t, acc, Q_ONCE); }
#endif

static void finish_rows(const el_qtile* t, const int32_t* acc) {
#if defined(__AVX2__)
    (t->once ? finish_near : finish_twice)(t, acc);
#else
    if (!t->once) finish_twice(t, acc);
    else if (t->shifts & EL_QSHIFT_FAR) finish_any(t, acc);
    else if (t->shifts & EL_QSHIFT_ANY) finish_left(t, acc);
    else finish_simple(t, acc);
#endif
}
#endif
