/* Products of float16 on processors without its arithmetic: numbers are widened as they are read, and sums are float. Slower than float32, whose
 * panels need no conversion; such a file is meant for other processors, and this shows what it computes. */
#ifndef EL_WIDENED_F16_H
#define EL_WIDENED_F16_H
#include "el_half_simd.h"
#include "el_nn.h"
#include "el_vmath.h"

enum { ROWS = EL_VF == 16 ? 8 : 4, ACROSS = EL_PANEL / EL_VF }; /* a tile: so many rows, and vectors across a panel */

#define INLINE static inline __attribute__((always_inline))

/* sums[r][..] += x[r][0 .. k) times k rows of a panel. */
INLINE void add_products(el_vf* sums, const uint16_t* const* x, const uint16_t* panel, int64_t k) {
    for (int64_t i = 0; i < k; i++, panel += EL_PANEL) {
        el_vf w[ACROSS];
#pragma GCC unroll 4
        for (int v = 0; v < ACROSS; v++) w[v] = el_vwiden(panel + v * EL_VF);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            const el_vf factor = el_vwiden1(x[r][i]);
#pragma GCC unroll 4
            for (int v = 0; v < ACROSS; v++) sums[r * ACROSS + v] = el_vfma(factor, w[v], sums[r * ACROSS + v]);
        }
    }
}

/* What follows a vector of sums of n channels: bias and slope belong to the first of them, residual and y to their place. Those not there are NULL. */
INLINE void finish(el_vf sum, el_act act, int64_t n, const float* bias, const float* slope, const uint16_t* residual, uint16_t* y) {
    if (n > EL_VF) n = EL_VF;
    if (bias) sum = el_vadd(sum, el_vload_n(bias, n));
    if (residual) sum = el_vadd(sum, el_vwiden_n(residual, n));
    el_vnarrow_n(y, act.kind == EL_ACT_PRELU ? el_vprelu(sum, el_vload_n(slope, n)) : el_vact(act, sum), n);
}

#endif
