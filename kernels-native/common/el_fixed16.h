/* Logistic and tanh in fixed point of 16 bits, one number: the arithmetic of gemmlowp (fixedpoint/fixedpoint.h) by which TensorFlow Lite's
 * integer LSTM has its gates. Qm: m integer bits, 15 - m behind the point, one sign bit; a product of Qa and Qb is Q(a+b). */
#ifndef EL_FIXED16_H
#define EL_FIXED16_H
#include <stdint.h>

/* Q0 constants: exp(-2^k) for k = -2 .. 4; exp(-1/8) and 1/3; Q2: 48/17 and -32/17. */
#define EL_FIXED16_EXP(each) each(25520), each(19875), each(12055), each(4435), each(600), each(11), each(0)
#define EL_FIXED16_ITSELF(x) x
static const int16_t el_fixed16_exp[7] = {EL_FIXED16_EXP(EL_FIXED16_ITSELF)};
enum { EL_FIXED16_EXP_EIGHTH = 28918, EL_FIXED16_THIRD = 10923, EL_FIXED16_48_17 = 23130, EL_FIXED16_32_17 = -15420 };

static inline int32_t el_fixed16_saturate(int32_t x) { return x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x; }

/* ab / 2^15 rounded, halves up; nothing here multiplies -1 by -1 */
static inline int32_t el_fixed16_multiply(int32_t a, int32_t b) { return (a * b + (1 << 14)) >> 15; }

/* exp(a) for a < 0 in Q`bits`, 1 <= bits <= 7, to Q0: a = -(multiple of 1/4) + rest, rest in [-1/4, 0). exp(rest) is a polynomial of degree 4
 * around -1/8, and each bit of the multiple a factor. */
static inline int32_t el_fixed16_exp_negative(int32_t a, int32_t bits) {
    const int32_t point = 15 - bits, quarter = 1 << (point - 2);
    const int32_t rest = (a & (quarter - 1)) - quarter, multiple = rest - a;
    const int32_t x = rest * (1 << bits) + (1 << 12), x2 = el_fixed16_multiply(x, x), x3 = el_fixed16_multiply(x2, x), x4 = el_fixed16_multiply(x2, x2);
    const int32_t tail = (el_fixed16_multiply(((x4 + 2) >> 2) + x3, EL_FIXED16_THIRD) + x2 + 1) >> 1; /* x^2/2 + x^3/6 + x^4/24 */
    int32_t result = el_fixed16_saturate(EL_FIXED16_EXP_EIGHTH + el_fixed16_multiply(EL_FIXED16_EXP_EIGHTH, x + tail));
    for (int32_t k = -2; k <= 4 && k < bits; k++)
        if (multiple >> (point + k) & 1) result = el_fixed16_multiply(result, el_fixed16_exp[k + 2]);
    return bits > 5 && a < -(1 << (point + 5)) ? 0 : result;
}

/* 2 / (1 + e) in Q2 for e in [0, 1), Q0: Newton-Raphson on the half denominator d from 48/17 - 32/17 d */
static inline int32_t el_fixed16_reciprocal(int32_t e) {
    const int32_t half = (e + INT16_MAX + 1) >> 1;
    int32_t x = EL_FIXED16_48_17 + el_fixed16_multiply(half, EL_FIXED16_32_17);
    for (int i = 0; i < 3; i++) x += el_fixed16_multiply(x, (1 << 13) - el_fixed16_multiply(half, x)) * 4;
    return x;
}

/* 1 / (1 + exp(-a)), a in Q`bits`, to Q0 */
static inline int32_t el_fixed16_logistic(int32_t a, int32_t bits) {
    if (a == 0) return 1 << 14;
    const int32_t positive = el_fixed16_saturate(2 * el_fixed16_reciprocal(el_fixed16_exp_negative(a > 0 ? -a : a, bits)));
    return a > 0 ? positive : INT16_MAX - positive;
}

/* tanh(a), a in Q`bits`, to Q0: (1 - e) / (1 + e), e = exp(-2 |a|) */
static inline int32_t el_fixed16_tanh(int32_t a, int32_t bits) {
    if (a == 0) return 0;
    const int32_t t = el_fixed16_saturate(4 * (el_fixed16_reciprocal(el_fixed16_exp_negative(a < 0 ? a : -a, bits + 1)) - (1 << 13)));
    return a < 0 ? -t : t;
}

#endif
