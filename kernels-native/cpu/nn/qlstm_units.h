/* A few last cells of qlstm_s8 with AVX2: units of four, whose gates lie side by side in one vector of int16. Each half of it has two cells:
 * [i i f f g g o o]. Two units need half the products and half the functions of a block of 16. */
#ifndef EL_QLSTM_UNITS_H
#define EL_QLSTM_UNITS_H
#include "qlstm_gates.h"

/* Units that make up a block: 0 where it is taken whole. Peepholes and normalization see each gate by itself. */
EL_VEC int64_t units_of(const el_qlstm* l, int64_t block) {
    const int64_t left = l->p->cells - block * EL_BLOCK;
    return left > 8 || l->peephole || l->norm ? 0 : (left + 3) / 4;
}

#define EL_HIGH_HALVES(a, b) _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xdd)) /* of 64-bit lanes */

/* One row of x with a unit, requantized; `add` (w16) is added, or NULL. */
static __attribute__((noinline)) w16 row_unit(const el_qlstm* l, int32_t second, const int8_t* x, const int16_t* add, int64_t block, int64_t unit) {
    const int64_t panels = (l->p->cells + 15) / 16, quads = second ? l->quads_h : l->quads_x;
    const int64_t next = panels * quads * 64, skip = l->first; /* no i where gates are coupled: f stands for it */
    const int8_t* w = (second ? l->r : l->w) + block * quads * 64 + unit * 16;
    const int8_t *f = w + (1 - skip) * next, *g = f + next, *o = g + next;
    const int32_t* start = l->bias + (second * l->gates * panels + block) * 16 + unit * 4;
    const el_qlstm_scale* scale = l->scale + 4 * second;
    __m256i sum[4];
    EL_EACH (int i = 0; i < 4; i++) sum[i] = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i*)(start + (i < skip ? 0 : i - skip) * panels * 16)));
    for (int64_t k = 0; k < quads; k++) {
        int32_t quad;
        memcpy(&quad, x + 4 * k, 4);
        const __m256i four = _mm256_cvtepi8_epi16(_mm_set1_epi32(quad));
        const int8_t* at[4] = {w + 64 * k, f + 64 * k, g + 64 * k, o + 64 * k};
        EL_EACH (int i = 0; i < 4; i++)
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)at[i])), four));
    }
    EL_EACH (int i = 0; i < 4; i++) {
        const __m256i a = _mm256_sll_epi32(_mm256_add_epi32(sum[i], _mm256_srli_epi64(sum[i], 32)), shift_of(&scale[i].left));
        sum[i] = _mm256_sra_epi32(_mm256_sll_epi64(product64(a, scaling_of(scale + i)), shift_of(&scale[i].twice)), shift_of(&scale[i].high));
    }
    __m256i lo = EL_HIGH_HALVES(sum[0], sum[1]), hi = EL_HIGH_HALVES(sum[2], sum[3]);
    if (add) {
        const w16 a = w16_load(add);
        lo = _mm256_add_epi32(lo, _mm256_srai_epi32(_mm256_unpacklo_epi16(a, a), 16));
        hi = _mm256_add_epi32(hi, _mm256_srai_epi32(_mm256_unpackhi_epi16(a, a), 16));
    }
    return _mm256_packs_epi32(lo, hi);
}

/* What enters the steps after these: of one step. */
static void enter_units(const el_qlstm_job* j, int64_t block, int64_t part, int64_t units) {
    const int64_t width = j->l->width;
    for (int64_t unit = 0; part < j->rows && unit < units; unit++)
        w16_store(j->entering + (part * 4 + unit) * width + block * EL_BLOCK, row_unit(j->l, 0, j->x + part * j->x_next, NULL, block, unit));
}

/* Functions of the gates: tanh of a by e to the power of twice as much, which is a without its sign as 16 bits. */
EL_VEC w16 functions(w16 a) {
    const __m256i is_g = _mm256_set_epi32(0, -1, 0, 0, 0, -1, 0, 0);
    const w16 below = negative(a), r = reciprocal(exp_negative(w16_add(below, w16_and(below, is_g)), 3, 4));
    return _mm256_blend_epi32(logistic_of(r, a), hyperbolic_of(r, a), 0x44);
}

static w16 unit_sums(const el_qlstm_job* j, int64_t block, int64_t unit) {
    return row_unit(j->l, 1, j->h, j->entered + unit * j->l->width + block * EL_BLOCK, block, unit);
}

/* The functions of sums v; next: c', four times in each half */
EL_VEC w16 unit_cells(const el_qlstm* l, int64_t block, int64_t unit, w16 v, w16* next) {
    const el_qlstm_params* p = l->p;
    int16_t* state = l->state + block * EL_BLOCK + unit * 4;
    v = functions(v);
    const __m256i c = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i*)state)), _mm256_set_epi32(0, 0, 1, 0, 0, 0, 0, 0));
    const w16 by = _mm256_blend_epi32(_mm256_shuffle_epi32(v, 2), c, 0x22); /* g for i, c for f */
    const w16 factor = l->first ? _mm256_blend_epi32(v, _mm256_sub_epi16(w16_set(INT16_MAX), _mm256_shuffle_epi32(v, 1)), 0x11) : v;
    const int32_t n = 30 + p->cell_shift;
    const __m256i right = _mm256_unpacklo_epi64(_mm256_set1_epi32(n), _mm256_set1_epi32(15)), half = _mm256_unpacklo_epi64(_mm256_set1_epi32(1 << (n - 1)), _mm256_set1_epi32(1 << 14));
    __m256i product = _mm256_unpacklo_epi16(_mm256_mullo_epi16(factor, by), _mm256_mulhi_epi16(factor, by));
    product = _mm256_srav_epi32(_mm256_add_epi32(_mm256_add_epi32(product, half), _mm256_srai_epi32(product, 31)), right);
    w16 sum = _mm256_packs_epi32(product, product);
    sum = w16_adds(sum, _mm256_shuffle_epi32(sum, 0xb1));
    if (p->cell_clip > 0) sum = w16_min(w16_max(sum, w16_set(-p->cell_clip)), w16_set(p->cell_clip));
    _mm_storel_epi64((__m128i*)state, _mm_unpacklo_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1)));
    *next = sum;
    return v;
}

/* h' from o, which is in v, and c' */
EL_VEC void unit_put_out(const el_qlstm_job* j, int64_t block, int64_t unit, w16 v, w16 next) {
    const el_qlstm_params* p = j->l->p;
    const w16 t = hyperbolic(next, 15 + p->cell_shift);
    const __m256i product = _mm256_unpackhi_epi16(_mm256_mullo_epi16(v, t), _mm256_mulhi_epi16(v, t));
    const q16 h = scaled((q16){{product, product}}, scaling_of(j->l->scale + EL_QLSTM_OF_HIDDEN));
    const w16 shifted = w16_adds(_mm256_packs_epi32(h.v[0], h.v[0]), w16_set(p->y_zero));
    const __m256i out = _mm256_packs_epi16(shifted, shifted);
    const int32_t four = _mm_extract_epi32(_mm_unpacklo_epi16(_mm256_castsi256_si128(out), _mm256_extracti128_si256(out, 1)), 1);
    memcpy(j->hidden + block * EL_BLOCK + unit * 4, &four, 4);
}

#endif
