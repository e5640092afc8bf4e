/* Integer softmax over the last axis, the arithmetic of TFLite's reference kernel: differences from the maximum as Q5.26,
 * exp as Q0.31, their sum as Q12.19, its reciprocal by Newton-Raphson. Fixed-point formulas: the gemmlowp paper and
 * documentation (exp on negative values by a barrel of exp(-2^k), 1/(1+x) on [0,1]).
 * Qa.b below: a integer bits, b = 31 - a fractional bits in an int32; a product of Qa and Qc is Q(a+c). */
#include "el_quant.h"

EL_KERNEL(qsoftmax_s8, scalar, el_qsoftmax_params)

static int32_t multiply(int32_t a, int32_t b) { return el_rounding_doubling_high_mul(a, b); }
static int32_t add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* x * 2^n, saturated */
static int32_t scale_up(int32_t x, int32_t n) {
    int64_t v = (int64_t)x * (1ll << n);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* exp(a) for a in [-1/4, 0), Q0 to Q0: Taylor series of degree 4 around -1/8 */
static int32_t exp_last_quarter(int32_t a) {
    const int32_t exp_eighth = 1895147668 /* exp(-1/8) */, third = 715827883 /* 1/3 */;
    int32_t x = add(a, 1 << 28), x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
    int32_t tail = el_rounding_divide_by_pot(add(multiply(add(el_rounding_divide_by_pot(x4, 2), x3), third), x2), 1);
    return add(exp_eighth, multiply(exp_eighth, add(x, tail)));
}

/* exp(a) for a <= 0, Q5.26 to Q0.31: a = -(multiple of 1/4) + rest; exp(-2^k) for every bit of the multiple */
static int32_t exp_negative(int32_t a) {
    static const int32_t exp_bit[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242}; /* exp(-1/4) .. exp(-16) */
    const int32_t quarter = 1 << 24;
    if (a == 0) return INT32_MAX;
    int32_t rest = (a & (quarter - 1)) - quarter, multiple = (int32_t)((uint32_t)rest - (uint32_t)a);
    int32_t result = exp_last_quarter(scale_up(rest, 5));
    for (int32_t k = 0; k < 7; k++)
        if (multiple >> (24 + k) & 1) result = multiply(result, exp_bit[k]);
    return result;
}

/* 1/(1+a) for a in [0, 1), Q0 to Q0: Newton-Raphson on the half denominator from 48/17 - 32/17 d */
static int32_t reciprocal_one_plus(int32_t a) {
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = add(1515870810, multiply(half, -1010580540)); /* Q2: 48/17, -32/17 */
    for (int i = 0; i < 3; i++) {
        int32_t error = add(1 << 29, (int32_t)(0u - (uint32_t)multiply(half, x))); /* 1 - d x, Q2 */
        x = add(x, scale_up(multiply(x, error), 2));
    }
    return scale_up(x, 1);
}

static int32_t leading_zeros(uint32_t x) {
    int32_t n = 0;
    while (n < 31 && !(x >> (31 - n))) n++;
    return n;
}

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    void** a = arg;
    const el_qsoftmax_params* p = a[0];
    for (int64_t row = begin; row < end; row++) {
        const int8_t* x = (const int8_t*)a[1] + row * p->depth;
        int8_t* y = (int8_t*)a[2] + row * p->depth;
        int32_t largest = -128, exps[256]; /* by difference from the maximum; -1: not computed yet */
        for (int32_t i = 0; i < p->depth; i++) largest = x[i] > largest ? x[i] : largest;
        for (int32_t i = 0; i < 256; i++) exps[i] = -1;
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t diff = x[i] - largest;
            if (diff < p->diff_min) continue;
            if (exps[-diff] < 0)
                exps[-diff] = exp_negative(multiply((int32_t)((uint32_t)diff << p->input_left_shift), p->input_multiplier));
            sum += (uint32_t)el_rounding_divide_by_pot(exps[-diff], 12);
        }
        int32_t headroom = leading_zeros(sum), bits_over_one = 12 - headroom;
        int32_t scale = reciprocal_one_plus((int32_t)((sum << headroom) - (1u << 31)));
        int32_t right = bits_over_one + 31 - 8;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t diff = x[i] - largest, v = -128;
            if (diff >= p->diff_min) v = el_clamp_s8(el_rounding_divide_by_pot(multiply(scale, exps[-diff]), right > 31 ? 31 : right), -128, -128, 127);
            y[i] = (int8_t)v;
        }
    }
}

void el_qsoftmax_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qsoftmax_params* p = params;
    void* a[] = {(void*)params, buffers[0], buffers[1]};
    el_parallel(ctx, p->rows, 8192 / ((int64_t)p->depth + 256) + 1, rows, a);
}
