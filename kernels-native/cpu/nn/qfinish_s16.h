/* The end of a layer of int16: y = clamp(el_requantize_s64(sum) + y_zero). That rule is floor(sum * reduced / 2^right + 1/2), which doubles
 * compute exactly for |sum| <= 2^37: reduced is below 2^15, so that the product and, as right is at most 46, the half of a unit have at most
 * 53 bits, and scaling by 2^-right keeps them. */
#ifndef EL_QFINISH_S16_H
#define EL_QFINISH_S16_H
#include "el_quant.h"
#include <math.h>
#if defined(__AVX512DQ__)
#include <immintrin.h>
#endif

#define EL_QEXACT (1ll << 36) /* bound of what a sum starts from; its products are 2^14 at most, of 2^22 each */

/* As wide as doubles are, where that spares the compiler's vectors a step: x86 converts int32, Neon int64. */
#if defined(__aarch64__)
typedef int64_t el_qfixed;
#else
typedef int32_t el_qfixed;
#endif

/* Sixteen columns. */
typedef struct el_qend16 {
    double start[16], factor[16]; /* factor: reduced * 2^-right */
} el_qend16;

/* The first `count` columns; wsum may be NULL. 0 where doubles would not be exact. */
static inline int el_qend16_fill(el_qend16* e, int32_t count, int64_t products, const int64_t* bias, const int32_t* wsum, const int32_t* multiplier, const int32_t* shift) {
    *e = (el_qend16){{0}, {0}};
    int exact = products <= 1 << 14;
    for (int32_t j = 0; j < count; j++) {
        int64_t start = bias ? bias[j] : 0;
        exact &= start >= -EL_QEXACT && start <= EL_QEXACT;
        e->start[j] = (double)start + (wsum ? 128.0 * wsum[j] : 0);
        e->factor[j] = el_reduced_multiplier(multiplier[j]) / (double)(1ll << (15 - shift[j]));
    }
    return exact;
}

/* y of sixteen columns from 256*high + low + start, or from low + start where high is NULL */
static inline __attribute__((always_inline)) void el_qend16_store(const el_qend16* e, const int32_t* restrict high, const int32_t* restrict low, int32_t y_zero,
                                                                  int32_t y_min, int32_t y_max, int16_t* restrict y) {
    const double least = (double)y_min - y_zero, most = (double)y_max - y_zero; /* whole numbers: floor may follow */
#if defined(__AVX512DQ__)
    __m256i v[2];
    for (int h = 0; h < 2; h++) {
        __m512d sum = _mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i*)(low + 8 * h)));
        if (high) sum = _mm512_fmadd_pd(_mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i*)(high + 8 * h))), _mm512_set1_pd(256), sum);
        sum = _mm512_fmadd_pd(_mm512_add_pd(sum, _mm512_loadu_pd(e->start + 8 * h)), _mm512_loadu_pd(e->factor + 8 * h), _mm512_set1_pd(0.5));
        sum = _mm512_min_pd(_mm512_max_pd(sum, _mm512_set1_pd(least)), _mm512_set1_pd(most));
        v[h] = _mm512_cvt_roundpd_epi32(sum, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    }
    __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(v[0]), v[1], 1);
    _mm256_storeu_si256((__m256i*)y, _mm512_cvtepi32_epi16(_mm512_add_epi32(both, _mm512_set1_epi32(y_zero))));
#else
    for (int32_t j = 0; j < 16; j++) {
        double v = ((high ? 256.0 * (el_qfixed)high[j] : 0.0) + (el_qfixed)low[j] + e->start[j]) * e->factor[j] + 0.5;
        v = v > least ? v : least;
        v = v < most ? v : most;
        y[j] = (int16_t)((el_qfixed)floor(v) + y_zero);
    }
#endif
}
#endif
