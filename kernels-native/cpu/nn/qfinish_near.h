/* The rule that rounds once, on x86: in float32, and again in integers where that is not enough.
 *     u = acc * scale + (768.5 + y_zero), then clamped to [768.5 + y_min, 768.5 + y_max]
 * lies in [512, 1024), where floats are 2^-14 apart: bits 14..21 of u are y = floor(acc * multiplier * 2^(shift - 31) + 1/2) + y_zero,
 * clamped, unless bits 0..13 are all zero, as one number in 2^14 has them.
 * Proof: wherever y is inside the bounds, |acc * scale| < 255.5. Rounding acc and scale to floats moves the product by less than
 * 255.5 * 2^-23 < 2^-15 together, rounding the sum by 2^-15 at most: u is less than 2^-14 off. Between u and the true number there is no
 * whole number then, unless u is one. Beyond the bounds every step is monotone, so that u ends at the same bound.
 * Clamping takes the bits as integers, in which order positive floats and one below them are the same: processors have more units for that. */
#ifndef EL_QFINISH_NEAR_H
#define EL_QFINISH_NEAR_H
#include "qfinish.h"

#define Q_NEAR_BASE 768.5f
#define Q_NEAR_BELOW ((1 << 14) - 1)

#if !defined(__AVX512BW__)
/* Two vectors to 16 bytes: byte 0 of a dword is made that of the first, byte 2 that of the second. */
EL_VEC __m128i q_near_bytes(__m256i u0, __m256i u1) {
    const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 2, 6, 10, 14, -1, -1, -1, -1, -1, -1, -1, -1));
    __m256i v = _mm256_shuffle_epi8(_mm256_blend_epi16(_mm256_srli_epi32(u0, 14), _mm256_slli_epi32(u1, 2), 0xaa), order);
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}
#endif

#if defined(__AVX512BW__)
typedef struct q_near {
    __m512 base;
    __m512i lo, hi;
} q_near;

EL_VEC q_near q_near_load(const el_qtile* t) {
    return (q_near){_mm512_set1_ps(Q_NEAR_BASE + (float)t->y_zero), _mm512_castps_si512(_mm512_set1_ps(Q_NEAR_BASE + (float)t->y_min)),
                    _mm512_castps_si512(_mm512_set1_ps(Q_NEAR_BASE + (float)t->y_max))};
}
EL_VEC __m512i q_near_of(const int32_t* acc, const float* scale, const q_near* n) {
    __m512 u = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(acc)), _mm512_load_ps(scale), n->base);
    return _mm512_min_epi32(_mm512_max_epi32(_mm512_castps_si512(u), n->lo), n->hi);
}

/* One row of NP panels, the last one having `tail` columns. Returns the smaller of `least` and bits 0..13. */
EL_VEC __m512i q_near_row(const el_qpanel* panels, const int32_t* acc, const q_near* n, __m512i least, int8_t* y, const int32_t tail, const int NP) {
    EL_UNROLL for (int p = 0; p < NP; p++, y += 16) {
        __m512i u = q_near_of(acc + p * 16, panels[p].scale, n);
        __m128i v = _mm512_cvtepi32_epi8(_mm512_srli_epi32(u, 14));
        least = _mm512_min_epu32(least, _mm512_and_si512(u, _mm512_set1_epi32(Q_NEAR_BELOW)));
        if (p < NP - 1 || tail == 16) {
            _mm_storeu_si128((__m128i*)y, v);
        } else {
            int8_t part[16];
            _mm_storeu_si128((__m128i*)part, v);
            q_copy_part(y, part, tail);
        }
    }
    return least;
}
#else
typedef struct q_near {
    __m256 base;
    __m256i lo, hi;
} q_near;

EL_VEC q_near q_near_load(const el_qtile* t) {
    return (q_near){_mm256_set1_ps(Q_NEAR_BASE + (float)t->y_zero), _mm256_castps_si256(_mm256_set1_ps(Q_NEAR_BASE + (float)t->y_min)),
                    _mm256_castps_si256(_mm256_set1_ps(Q_NEAR_BASE + (float)t->y_max))};
}
EL_VEC __m256i q_near_of(const int32_t* acc, __m256 scale, const q_near* n) {
    __m256 u = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_load_si256((const __m256i*)acc)), scale, n->base);
    return _mm256_min_epi32(_mm256_max_epi32(_mm256_castps_si256(u), n->lo), n->hi);
}

/* All rows of panel p; nonzero: some number is in doubt. */
EL_VEC int q_near_panel(const el_qtile* t, const int32_t* acc, int32_t p, const q_near* n) {
    const __m256 scale[2] = {_mm256_load_ps(t->panels[p].scale), _mm256_load_ps(t->panels[p].scale + 8)};
    const int32_t column = t->y_column + p * 16, count = t->columns - p * 16;
    const __m256i below = _mm256_set1_epi32(Q_NEAR_BELOW);
    __m256i least = below;
    for (int32_t r = 0; r < t->row_count; r++, acc += 64) {
        __m256i u0 = q_near_of(acc + p * 16, scale[0], n), u1 = q_near_of(acc + p * 16 + 8, scale[1], n);
        least = _mm256_min_epu32(least, _mm256_min_epu32(_mm256_and_si256(u0, below), _mm256_and_si256(u1, below)));
        __m128i bytes = q_near_bytes(u0, u1);
        if (count >= 16) {
            _mm_storeu_si128((__m128i*)(t->y[r] + column), bytes);
        } else {
            int8_t part[16];
            _mm_storeu_si128((__m128i*)part, bytes);
            q_copy_part(t->y[r] + column, part, count);
        }
    }
    return _mm256_movemask_epi8(_mm256_cmpeq_epi32(least, _mm256_setzero_si256()));
}
#endif
#endif
