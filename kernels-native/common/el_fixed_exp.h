/* Fixed-point functions of integer softmax, on one int32: the arithmetic of TFLite's reference kernel. Differences from the maximum are
 * Q5.26, exp is Q0.31, sums Q12.19; the reciprocal comes by Newton-Raphson. Fixed-point formulas: the gemmlowp paper and documentation
 * (exp on negative values by a barrel of exp(-2^k), 1/(1+x) on [0,1]).
 * Qa.b below: a integer bits, b = 31 - a fractional bits in an int32; a product of Qa and Qc is Q(a+c). */
#ifndef EL_FIXED_EXP_H
#define EL_FIXED_EXP_H
#include "el_quant.h"

static inline int32_t el_fixed_multiply(int32_t a, int32_t b) { return el_rounding_doubling_high_mul(a, b); }
static inline int32_t el_fixed_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* x * 2^n, saturated */
static inline int32_t el_fixed_scale_up(int32_t x, int32_t n) {
    int64_t v = (int64_t)x * (1ll << n);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* exp(a) for a in [-1/4, 0), Q0 to Q0: Taylor series of degree 4 around -1/8 */
static inline int32_t el_fixed_exp_last_quarter(int32_t a) {
    const int32_t exp_eighth = 1895147668 /* exp(-1/8) */, third = 715827883 /* 1/3 */;
    int32_t x = el_fixed_add(a, 1 << 28), x2 = el_fixed_multiply(x, x), x3 = el_fixed_multiply(x2, x), x4 = el_fixed_multiply(x2, x2);
    int32_t tail = el_rounding_divide_by_pot(el_fixed_add(el_fixed_multiply(el_fixed_add(el_rounding_divide_by_pot(x4, 2), x3), third), x2), 1);
    return el_fixed_add(exp_eighth, el_fixed_multiply(exp_eighth, el_fixed_add(x, tail)));
}

/* exp(a) for a <= 0, Q5.26 to Q0.31: a = -(multiple of 1/4) + rest; exp(-2^k) for every bit of the multiple */
static inline int32_t el_fixed_exp_negative(int32_t a) {
    const int32_t exp_bit[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242}; /* exp(-1/4) .. exp(-16) */
    const int32_t quarter = 1 << 24;
    if (a == 0) return INT32_MAX;
    int32_t rest = (a & (quarter - 1)) - quarter, multiple = (int32_t)((uint32_t)rest - (uint32_t)a);
    int32_t result = el_fixed_exp_last_quarter(el_fixed_scale_up(rest, 5));
    for (int32_t k = 0; k < 7; k++)
        if (multiple >> (24 + k) & 1) result = el_fixed_multiply(result, exp_bit[k]);
    return result;
}

/* 1/(1+a) for a in [0, 1), Q0 to Q0: Newton-Raphson on the half denominator from 48/17 - 32/17 d */
static inline int32_t el_fixed_reciprocal_one_plus(int32_t a) {
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = el_fixed_add(1515870810, el_fixed_multiply(half, -1010580540)); /* Q2: 48/17, -32/17 */
    for (int i = 0; i < 3; i++) {
        int32_t error = el_fixed_add(1 << 29, (int32_t)(0u - (uint32_t)el_fixed_multiply(half, x))); /* 1 - d x, Q2 */
        x = el_fixed_add(x, el_fixed_scale_up(el_fixed_multiply(x, error), 2));
    }
    return el_fixed_scale_up(x, 1);
}

static inline int32_t el_fixed_leading_zeros(uint32_t x) {
    int32_t n = 0;
    while (n < 31 && !(x >> (31 - n))) n++;
    return n;
}

#endif
