/* Elementary functions and the activations of el_kernels.h on one float, from additions, multiplications and bits only, as there is
 * no library on the device: the same code computes under emulation. Polynomials and reductions are those of common/el_vmath.h, where
 * intervals and errors are given; errors here are the same (exp, log 2 ulp, tanh, sigmoid 4, erf 6). */
#ifndef EL_CUDA_MATH_H
#define EL_CUDA_MATH_H
#include "el_cuda_device.h"

#define EL_INFINITY (__builtin_inff())
#define EL_NAN (__builtin_nanf(""))

EL_DEVICE float el_clamp(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
EL_DEVICE float el_abs(float x) { return __builtin_fabsf(x); }
EL_DEVICE float el_copy_sign(float x, float sign) { return el_float((el_bits(x) & 0x7fffffffu) | (el_bits(sign) & 0x80000000u)); }

/* 2^n, -126 <= n <= 127 */
EL_DEVICE float el_power_of_two(int n) { return el_float((unsigned)(n + 127) << 23); }

EL_DEVICE float el_exp(float x) {
    float c = el_clamp(x, -104.0f, 89.0f); /* keeps NaN */
    float n = __builtin_rintf(c * 1.44269504f);
    float r = el_fma(n, -0.693359375f, c);
    r = el_fma(n, 2.12194440e-4f, r);
    float q = 1.381432055e-03f;
    q = el_fma(q, r, 8.368850686e-03f);
    q = el_fma(q, r, 4.166840017e-02f);
    q = el_fma(q, r, 1.666651964e-01f);
    q = el_fma(q, r, 4.999999404e-01f);
    q = el_fma(q, r, 1.0f);
    q = el_fma(q, r, 1.0f);
    if (c != c) return c;
    int i = (int)n, half = i >> 1;
    return q * el_power_of_two(half) * el_power_of_two(i - half);
}

EL_DEVICE float el_expm1(float x) {
    if (x != x || x == 0) return x;
    float c = el_clamp(x, -20.0f, 89.0f);
    float n = __builtin_rintf(c * 1.44269504f);
    float r = el_fma(n, -0.693359375f, c);
    r = el_fma(n, 2.12194440e-4f, r);
    float q = 1.984589326e-04f;
    q = el_fma(q, r, 1.394082326e-03f);
    q = el_fma(q, r, 8.333389647e-03f);
    q = el_fma(q, r, 4.166635871e-02f);
    q = el_fma(q, r, 1.666666567e-01f);
    q = el_fma(q, r, 5.000000000e-01f);
    float e = el_fma(r * r, q, r);
    float k = n < 127.0f ? n : 127.0f;
    float p = el_power_of_two((int)k);
    float y = el_fma(p, e, p - 1.0f);
    return k < n ? y + y : y;
}

EL_DEVICE float el_log(float x) {
    if (x != x || x == EL_INFINITY) return x;
    if (x == 0) return -EL_INFINITY;
    if (x < 0) return EL_NAN;
    bool tiny = x < 1.17549435e-38f;
    float s = tiny ? x * 8388608.0f : x;
    int bits = (int)el_bits(s) - 0x3F3504F3;
    float e = (float)(bits >> 23);
    float m = el_float((unsigned)((bits & 0x007FFFFF) + 0x3F3504F3));
    if (tiny) e -= 23.0f;
    float f = m - 1.0f, z = f * f;
    float q = 6.746643782e-02f;
    q = el_fma(q, f, -1.167565286e-01f);
    q = el_fma(q, f, 1.188816130e-01f);
    q = el_fma(q, f, -1.240558848e-01f);
    q = el_fma(q, f, 1.421955228e-01f);
    q = el_fma(q, f, -1.666799635e-01f);
    q = el_fma(q, f, 2.000211924e-01f);
    q = el_fma(q, f, -2.500000894e-01f);
    q = el_fma(q, f, 3.333331347e-01f);
    float y = q * f * z;
    y = el_fma(e, -2.12194440e-4f, y);
    y = el_fma(z, -0.5f, y);
    return el_fma(e, 0.693359375f, f + y);
}

EL_DEVICE float el_sigmoid(float x) { return 1.0f / (1.0f + el_exp(-x)); }

EL_DEVICE float el_tanh(float x) {
    float a = el_abs(x);
    if (a > 10.0f) a = 10.0f;
    float t = el_expm1(a + a);
    return el_copy_sign(t / (t + 2.0f), x);
}

/* a / b and 2^x to two units in the last place. */
EL_DEVICE float el_divide_roughly(float a, float b) {
#ifdef __CUDA__
    float y;
    asm("div.approx.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
#else
    return a / b;
#endif
}
EL_DEVICE float el_exp2_roughly(float x) {
#ifdef __CUDA__
    float y;
    asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return el_exp(x * 0.693147181f);
#endif
}

/* To 2e-7. */
EL_DEVICE float el_sigmoid_roughly(float x) { return el_divide_roughly(1.0f, 1.0f + el_exp2_roughly(x * -1.44269504f)); }
EL_DEVICE float el_tanh_roughly(float x) { return 2.0f * el_sigmoid_roughly(2.0f * x) - 1.0f; }

template <float (*DIVIDE)(float, float)>
EL_DEVICE float el_erf(float x) {
    float c = el_clamp(x, -3.925f, 3.925f), z = c * c;
    float p = 2.046033615e-06f, q = 3.804784137e-05f;
    p = el_fma(p, z, 2.848435543e-04f);
    q = el_fma(q, z, 1.163855195e-03f);
    p = el_fma(p, z, 3.772536991e-03f);
    q = el_fma(q, z, 1.498316973e-02f);
    p = el_fma(p, z, 5.276925489e-02f);
    q = el_fma(q, z, 1.141825840e-01f);
    p = el_fma(p, z, 1.905934066e-01f);
    q = el_fma(q, z, 5.022417307e-01f);
    p = el_fma(p, z, 1.128379107e+00f);
    q = el_fma(q, z, 1.0f);
    return el_clamp(c * DIVIDE(p, q), -1.0f, 1.0f);
}

EL_DEVICE float el_divide(float a, float b) { return a / b; }
EL_DEVICE float el_erf(float x) { return el_erf<el_divide>(x); }

/* log(1 + exp x) */
EL_DEVICE float el_softplus(float x) {
    float e = el_exp(-el_abs(x)), u = 1.0f + e;
    return (x > 0 ? x : x < 0 ? 0.0f : x) + el_log(u) + (e - (u - 1.0f)) / u;
}

/* sin x (quarter 0) or cos x (quarter 1): x = n pi/2 + r in double, then Taylor's series of degree 11 and 12 on |r| <= pi/4, whose
 * remainder is below 1e-9. Infinite: NaN. Arguments above 2^30 keep no digit of r. */
EL_DEVICE float el_sine(float x, int quarter) {
    if (!(el_abs(x) < EL_INFINITY)) return EL_NAN;
    double n = __builtin_rint((double)x * 0.63661977236758134308);
    float r = (float)(((double)x - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11);
    long long turns = n < 9e18 && n > -9e18 ? (long long)n : 0;
    int k = (int)(turns & 3) + quarter;
    float z = r * r, y;
    if (k & 1) {
        y = 2.08767570e-9f;
        y = el_fma(y, z, -2.75573192e-7f);
        y = el_fma(y, z, 2.48015873e-5f);
        y = el_fma(y, z, -1.38888889e-3f);
        y = el_fma(y, z, 4.16666667e-2f);
        y = el_fma(y, z, -0.5f);
        y = el_fma(y, z, 1.0f);
    } else {
        y = -2.50521084e-8f;
        y = el_fma(y, z, 2.75573192e-6f);
        y = el_fma(y, z, -1.98412698e-4f);
        y = el_fma(y, z, 8.33333333e-3f);
        y = el_fma(y, z, -1.66666667e-1f);
        y = el_fma(y * z, r, r);
    }
    return k & 2 ? -y : y;
}

/* a^b for a > 0, in double: log a = 2 artanh((m - 1) / (m + 1)) + e ln 2, m in [0.7, 1.42), series to degree 17 (error below 1e-14);
 * then exp by reduction and Taylor's series to degree 11. */
EL_DEVICE float el_power_positive(float a, float b) {
    if (a == 1.0f) return 1.0f;
    if (a == EL_INFINITY) return b > 0 ? EL_INFINITY : b < 0 ? 0.0f : 1.0f;
    int shift = 0;
    if (a < 1.17549435e-38f) {
        a *= 16777216.0f;
        shift = -24;
    }
    int bits = (int)el_bits(a) - 0x3F3504F3;
    double m = (double)el_float((unsigned)((bits & 0x007FFFFF) + 0x3F3504F3));
    double s = (m - 1) / (m + 1), z = s * s, l = 0;
    for (int k = 17; k >= 1; k -= 2) l = l * z + 1.0 / k;
    double t = ((double)((bits >> 23) + shift) * 0.69314718055994530942 + 2 * s * l) * (double)b;
    if (t > 89) return EL_INFINITY;
    if (t < -104) return 0.0f;
    double n = __builtin_rint(t * 1.44269504088896340736), r = t - n * 0.69314718055994530942, y = 1;
    for (int k = 11; k >= 1; k--) y = y * r / k + 1;
    int i = (int)n, half = i >> 1;
    return (float)(y * (double)el_power_of_two(half) * (double)el_power_of_two(i - half));
}

/* C's powf. */
EL_DEVICE float el_power(float a, float b) {
    if (b == 0 || a == 1.0f) return 1.0f;
    if (a != a || b != b) return EL_NAN;
    bool whole = __builtin_floorf(b) == b, odd = whole && el_abs(b) < 16777216.0f && ((int)b & 1);
    float u = el_abs(a);
    if (el_abs(b) == EL_INFINITY) return u == 1.0f ? 1.0f : (u > 1.0f) == (b > 0) ? EL_INFINITY : 0.0f;
    if (u == 0) {
        float y = b > 0 ? 0.0f : EL_INFINITY;
        return odd ? el_copy_sign(y, a) : y;
    }
    if (a < 0 && !whole && u < EL_INFINITY) return EL_NAN;
    float y = el_power_positive(u, b);
    return a < 0 && odd ? -y : y;
}

/* The activations that take more than a few instructions. */
EL_DEVICE float el_activate_any(int kind, float a, float b, float x) {
    switch (kind) {
    case EL_ACT_HARD_SIGMOID: return el_clamp(a * x + b, 0.0f, 1.0f);
    case EL_ACT_HARD_SWISH: return x * el_clamp(x / 6.0f + 0.5f, 0.0f, 1.0f);
    case EL_ACT_SIGMOID: return el_sigmoid(x);
    case EL_ACT_SILU: return x * el_sigmoid(x);
    case EL_ACT_TANH: return el_tanh(x);
    case EL_ACT_GELU: return 0.5f * x * (1.0f + el_erf(x * 0.707106781f));
    case EL_ACT_GELU_TANH: return 0.5f * x * (1.0f + el_tanh(0.797884561f * (x + 0.044715f * x * x * x)));
    case EL_ACT_ELU: return x < 0 ? a * el_expm1(x) : x;
    case EL_ACT_SOFTPLUS: return el_softplus(x);
    case EL_ACT_MISH: return x * el_tanh(el_softplus(x));
    default: return x;
    }
}

/* A function, as every place that ends a product would hold them all. */
static EL_OUT_OF_LINE float el_activate_slowly(int kind, float a, float b, float x) { return el_activate_any(kind, a, b, x); }

/* Four floats as an argument that stays in registers. */
typedef float el_four __attribute__((vector_size(16)));

/* Of four neighbours that will be float16, all kinds but EL_ACT_PRELU. */
static EL_OUT_OF_LINE el_four el_activate_roughly(int kind, float a, float b, el_four x) {
    if (kind == EL_ACT_GELU) {
        EL_UNROLL for (int l = 0; l < 4; l++) x[l] = 0.5f * x[l] * (1.0f + el_erf<el_divide_roughly>(x[l] * 0.707106781f));
    } else if (kind == EL_ACT_SILU) {
        EL_UNROLL for (int l = 0; l < 4; l++) x[l] = el_divide_roughly(x[l], 1.0f + el_exp2_roughly(x[l] * -1.44269504f));
    } else if (kind == EL_ACT_LEAKY_RELU) {
        EL_UNROLL for (int l = 0; l < 4; l++) x[l] = x[l] < 0 ? a * x[l] : x[l];
    } else {
        /* One after the other comes to the front, so that the code is there once and all stay in registers. */
        EL_ROLLED for (int i = 0; i < 4; i++) x = el_four{x[1], x[2], x[3], el_activate_any(kind, a, b, x[0])};
    }
    return x;
}

/* slope: of the channel, read by EL_ACT_PRELU only. */
EL_DEVICE float el_activate(const el_act& act, float x, float slope) {
    if (act.kind == EL_ACT_NONE) return x;
    if (act.kind == EL_ACT_CLAMP) return el_clamp(x, act.a, act.b);
    if (act.kind == EL_ACT_LEAKY_RELU || act.kind == EL_ACT_PRELU) return x < 0 ? (act.kind == EL_ACT_PRELU ? slope : act.a) * x : x;
    return el_activate_slowly(act.kind, act.a, act.b, x);
}

/* The end of a convolution or product: channel's bias, residual, activation. NULL where absent. */
EL_DEVICE float el_finish(const el_act& act, float sum, unsigned i, int channel, const float* bias, const float* residual, const float* slope) {
    if (bias) sum += bias[channel];
    if (residual) sum += residual[i];
    return el_activate(act, sum, slope ? slope[channel] : 0.0f);
}

#endif
