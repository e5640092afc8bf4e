/* The end of a layer of int16: y = clamp(el_requantize_s64(sum) + y_zero). That rule is floor(sum * reduced / 2^right + 1/2), which doubles
 * compute exactly for |sum| <= 2^37: reduced is below 2^15, so that the product and, as right is at most 46, the half of a unit have at most
 * 53 bits, and scaling by 2^-right keeps them. */
#ifndef EL_QFINISH_S16_H
#define EL_QFINISH_S16_H
#include "el_quant.h"
#include <math.h>

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
    const double least = y_min - y_zero, most = y_max - y_zero;
    for (int32_t j = 0; j < 16; j++) {
        double v = floor(((high ? 256.0 * (el_qfixed)high[j] : 0.0) + (el_qfixed)low[j] + e->start[j]) * e->factor[j] + 0.5);
        v = v > least ? v : least;
        v = v < most ? v : most;
        y[j] = (int16_t)((el_qfixed)v + y_zero);
    }
}
#endif
