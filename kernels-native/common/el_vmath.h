/* Elementary functions over the float vectors of el_simd.h. Every function is right for infinities, NaN, signed zero,
 * denormal arguments and overflow; the maximum error below was measured over a dense sweep of all floats by
 * tests/test_tensor.c (which fails when it is exceeded). ulp: units in the last place of the float result.
 *
 *     el_vexp       2 ulp, denormal results included          el_vlog      2 ulp
 *     el_vexpm1     3 ulp                                     el_vtanh     4 ulp
 *     el_vsigmoid   18 ulp for x > -17 (4 for x > -1); absolute 2^-42 below (AVX2, Advanced SIMD: 8 ulp for x > -87)
 *     el_verf       6 ulp
 *     el_vsin, el_vcos   absolute 1.2e-7 for |x| <= 8192, the C library beyond
 *
 * The polynomial coefficients are minimax fits (Remez exchange) made for this file; each comment gives the interval and
 * the error of the fit. Argument reductions are the classic ones (Cody and Waite, Software Manual for the Elementary
 * Functions, 1980). */
#ifndef EL_VMATH_H
#define EL_VMATH_H
#include "el_kernels.h"
#include "el_simd.h"

#define EL_LOG2E_ 1.44269504f
#define EL_LN2_HI_ 0.693359375f     /* 10 bits: n * LN2_HI_ is exact for |n| < 2^14 */
#define EL_LN2_LO_ -2.12194440e-4f  /* ln 2 - LN2_HI_ */

#if EL_VF != 16
/* p * 2^n for integral n in [-252, 254] and p near 1. */
static inline el_vf el_vscale_(el_vf p, el_vf n) {
    el_vi i = el_vcvt_round(n), half = el_vishr(i, 1), bias = el_viset1(127);
    el_vf a = el_vfrombits(el_vishl(el_viadd(half, bias), 23));
    el_vf b = el_vfrombits(el_vishl(el_viadd(el_visub(i, half), bias), 23));
    return el_vmul(el_vmul(p, a), b);
}
#else
/* 2^(j / 32), j of 0 .. 31 */
static const float el_exp2_32_[32] = {
    1.0f, 1.0218972f, 1.0442737f, 1.0671405f, 1.0905077f, 1.1143868f, 1.13878858f, 1.1637249f, 1.1892071f, 1.2152474f, 1.2418578f,
    1.2690510f, 1.2968396f, 1.3252367f, 1.3542556f, 1.3839099f, 1.4142135f, 1.4451808f, 1.4768262f, 1.5091645f, 1.5422108f, 1.5759809f,
    1.6104903f, 1.6457555f, 1.6817929f, 1.7186193f, 1.7562522f, 1.7947091f, 1.8340081f, 1.8741677f, 1.9152066f, 1.9571441f,
};
#endif

/* Where a table lies in registers: exp(x) = 2^(j/32) 2^floor(n) exp(r), n = round(32 x / ln 2) / 32 and j its fraction in 32nds, which are the last bits of
 * n + 1.5 * 2^18; exp(r) = 1 + r (1.0000147 + r / 2) on +-0.01084, relative error 5.4e-8. Elsewhere exp(x) = 2^n exp(r), n = round(x / ln 2),
 * |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 q(r); q: degree 4 on +-0.3473, relative error of exp 3.1e-9. Arguments are clamped to where the
 * result is 0 or infinite. */
static inline el_vf el_vexp(el_vf x) {
    x = el_vclamp(x, el_vset1(-104.0f), el_vset1(89.0f));
#if EL_VF == 16
    const el_vf shift = el_vset1(0x1.8p18f), place = el_vfma(x, el_vset1(EL_LOG2E_), shift), n = el_vsub(place, shift);
    el_vf r = el_vfnma(n, el_vset1(EL_LN2_HI_), x);
    r = el_vfnma(n, el_vset1(EL_LN2_LO_), r);
    const el_vf q = el_vmul(el_vfma(r, el_vset1(0.5f), el_vset1(1.00001466f)), r);
    const el_vf root = _mm512_permutex2var_ps(el_vload(el_exp2_32_), el_vbits(place), el_vload(el_exp2_32_ + 16));
    return _mm512_scalef_ps(el_vfma(root, q, root), n);
#else
    el_vf n = el_vround(el_vmul(x, el_vset1(EL_LOG2E_)));
    el_vf r = el_vfnma(n, el_vset1(EL_LN2_HI_), x);
    r = el_vfnma(n, el_vset1(EL_LN2_LO_), r);
    el_vf q = el_vset1(1.381432055e-03f);
    q = el_vfma(q, r, el_vset1(8.368850686e-03f));
    q = el_vfma(q, r, el_vset1(4.166840017e-02f));
    q = el_vfma(q, r, el_vset1(1.666651964e-01f));
    q = el_vfma(q, r, el_vset1(4.999999404e-01f));
    q = el_vfma(q, r, el_vset1(1.0f));
    return el_vscale_(el_vfma(q, r, el_vset1(1.0f)), n);
#endif
}

/* exp(x) - 1 without cancellation: 2^n (exp(r) - 1) + (2^n - 1). q: degree 5, relative error of exp(r) - 1 2.4e-10.
 * 2^n is formed with n <= 127, the last doubling is done at the end, so that only true overflow is infinite. */
static inline el_vf el_vexpm1(el_vf x) {
    el_vf c = el_vclamp(x, el_vset1(-20.0f), el_vset1(89.0f));
    el_vf n = el_vround(el_vmul(c, el_vset1(EL_LOG2E_)));
    el_vf r = el_vfnma(n, el_vset1(EL_LN2_HI_), c);
    r = el_vfnma(n, el_vset1(EL_LN2_LO_), r);
    el_vf q = el_vset1(1.984589326e-04f);
    q = el_vfma(q, r, el_vset1(1.394082326e-03f));
    q = el_vfma(q, r, el_vset1(8.333389647e-03f));
    q = el_vfma(q, r, el_vset1(4.166635871e-02f));
    q = el_vfma(q, r, el_vset1(1.666666567e-01f));
    q = el_vfma(q, r, el_vset1(5.000000000e-01f));
    el_vf e = el_vfma(el_vmul(r, r), q, r);
    el_vf k = el_vmin(el_vset1(127.0f), n);
    el_vf p = el_vfrombits(el_vishl(el_viadd(el_vcvt_round(k), el_viset1(127)), 23));
    el_vf y = el_vfma(p, e, el_vsub(p, el_vset1(1.0f)));
    y = el_vselect(el_vlt(k, n), el_vadd(y, y), y);
    return el_vselect(el_veq(x, el_vzero()), x, y); /* keeps -0 */
}

/* log(x) = e ln 2 + log(m), x = m 2^e, m in [sqrt 1/2, sqrt 2), f = m - 1,
 * log(1+f) = f - f^2/2 + f^3 q(f); q: degree 8 on [-0.293, 0.415], relative error 7.5e-10. */
static inline el_vf el_vlog(el_vf x) {
    const el_vf one = el_vset1(1.0f), two23 = el_vset1(8388608.0f);
    el_vm tiny = el_vlt(x, el_vset1(1.17549435e-38f));
    el_vf s = el_vselect(tiny, el_vmul(x, two23), x);
    /* Subtracting the bits of sqrt(1/2) makes the exponent field count from the lower end of the range of m. */
    el_vi bits = el_visub(el_vbits(s), el_viset1(0x3F3504F3));
    el_vf e = el_vcvt_f(el_vishr(bits, 23));
    el_vf m = el_vfrombits(el_viadd(el_viand(bits, el_viset1(0x007FFFFF)), el_viset1(0x3F3504F3)));
    e = el_vselect(tiny, el_vsub(e, el_vset1(23.0f)), e);
    el_vf f = el_vsub(m, one), z = el_vmul(f, f);
    el_vf q = el_vset1(6.746643782e-02f);
    q = el_vfma(q, f, el_vset1(-1.167565286e-01f));
    q = el_vfma(q, f, el_vset1(1.188816130e-01f));
    q = el_vfma(q, f, el_vset1(-1.240558848e-01f));
    q = el_vfma(q, f, el_vset1(1.421955228e-01f));
    q = el_vfma(q, f, el_vset1(-1.666799635e-01f));
    q = el_vfma(q, f, el_vset1(2.000211924e-01f));
    q = el_vfma(q, f, el_vset1(-2.500000894e-01f));
    q = el_vfma(q, f, el_vset1(3.333331347e-01f));
    el_vf y = el_vmul(el_vmul(q, f), z);
    y = el_vfma(e, el_vset1(EL_LN2_LO_), y);
    y = el_vfnma(z, el_vset1(0.5f), y);
    y = el_vfma(e, el_vset1(EL_LN2_HI_), el_vadd(f, y));
    const el_vf inf = el_vset1(INFINITY);
    y = el_vselect(el_veq(x, inf), inf, y);
    y = el_vselect(el_veq(x, el_vzero()), el_vneg(inf), y);
    y = el_vselect(el_vlt(x, el_vzero()), el_vset1(NAN), y);
    return el_vselect(el_vne(x, x), x, y);
}

/* log(1 + e) for 0 <= e <= 1: log(u) + (e - (u - 1)) / u with u = 1 + e rounded. */
static inline el_vf el_vlog1p_unit_(el_vf e) {
    const el_vf one = el_vset1(1.0f);
    el_vf u = el_vadd(one, e);
    return el_vadd(el_vlog(u), el_vdiv(el_vsub(e, el_vsub(u, one)), u));
}

/* The logistic function times y, y / (1 + exp(-x)). Where a table lies in registers and a scale of any size is one instruction, exp(-x) = 2^t, t = -x / ln 2,
 * is 2^(j/32) 2^floor(t) p(r), r = t - floor(32 t) / 32 and j the last bits of t + 1.5 * 2^18, rounded down; p(r) = 1 + r (a + b r) on 0 .. 1/32, relative
 * error 6.5e-8. The roundings of t count as much as t is large, where the logistic function is small. Elsewhere exp(-x) = 2^n p(r), p: degree 5 on
 * +-0.3473, relative error 7.6e-8. */
static inline el_vf el_vlogistic_times_(el_vf x, el_vf y) {
    const el_vf one = el_vset1(1.0f);
#if EL_VF == 16
    const el_vf t = el_vmul(x, el_vset1(-EL_LOG2E_)), r = _mm512_reduce_ps(t, 5 << 4 | _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const el_vf place = _mm512_add_round_ps(t, el_vset1(0x1.8p18f), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const el_vf p = el_vfma(el_vfma(r, el_vset1(2.42651648e-01f), el_vset1(6.93123766e-01f)), r, one);
    const el_vf e = _mm512_scalef_ps(_mm512_permutex2var_ps(el_vload(el_exp2_32_), el_vbits(place), el_vload(el_exp2_32_ + 16)), t);
    return el_vdiv(y, el_vfma(e, p, one));
#else
    x = el_vclamp(x, el_vset1(-89.0f), el_vset1(88.0f)); /* n from -127, whose 2^n comes out as 0, to 128: infinity */
    el_vf n = el_vround(el_vmul(x, el_vset1(-EL_LOG2E_)));
    el_vf r = el_vfma(n, el_vset1(EL_LN2_HI_), x); /* of -x, negated */
    r = el_vfma(n, el_vset1(EL_LN2_LO_), r);
    el_vf p = el_vset1(-8.297512308e-03f);
    p = el_vfma(p, r, el_vset1(4.191637039e-02f));
    p = el_vfma(p, r, el_vset1(-1.666758209e-01f));
    p = el_vfma(p, r, el_vset1(4.999888539e-01f));
    p = el_vfma(p, r, el_vset1(-9.999997020e-01f));
    p = el_vfma(p, r, el_vset1(1.000000119e+00f));
    return el_vdiv(y, el_vfma(p, el_vfrombits(el_vishl(el_viadd(el_vcvt_round(n), el_viset1(127)), 23)), one));
#endif
}

static inline el_vf el_vsigmoid(el_vf x) { return el_vlogistic_times_(x, el_vset1(1.0f)); }
static inline el_vf el_vsilu(el_vf x) { return el_vlogistic_times_(x, x); }

/* tanh |x| = t / (t + 2), t = exp(2|x|) - 1. */
static inline el_vf el_vtanh(el_vf x) {
    el_vf a = el_vmin(el_vset1(10.0f), el_vabs(x));
    el_vf t = el_vexpm1(el_vadd(a, a));
    return el_vcopysign(el_vdiv(t, el_vadd(t, el_vset1(2.0f))), x);
}

/* erf(x) = x P(x^2) / Q(x^2) on |x| <= 3.925, where erf rounds to 1: degrees 5/5, relative error 1.9e-8. */
static inline el_vf el_verf(el_vf x) {
    el_vf c = el_vclamp(x, el_vset1(-3.925f), el_vset1(3.925f));
    el_vf z = el_vmul(c, c);
    el_vf p = el_vset1(2.046033615e-06f), q = el_vset1(3.804784137e-05f);
    p = el_vfma(p, z, el_vset1(2.848435543e-04f));
    q = el_vfma(q, z, el_vset1(1.163855195e-03f));
    p = el_vfma(p, z, el_vset1(3.772536991e-03f));
    q = el_vfma(q, z, el_vset1(1.498316973e-02f));
    p = el_vfma(p, z, el_vset1(5.276925489e-02f));
    q = el_vfma(q, z, el_vset1(1.141825840e-01f));
    p = el_vfma(p, z, el_vset1(1.905934066e-01f));
    q = el_vfma(q, z, el_vset1(5.022417307e-01f));
    p = el_vfma(p, z, el_vset1(1.128379107e+00f));
    q = el_vfma(q, z, el_vset1(1.0f));
    el_vf y = el_vmul(c, el_vdiv(p, q));
    return el_vclamp(y, el_vset1(-1.0f), el_vset1(1.0f));
}

/* sin (quadrant 0) or cos (quadrant 1): x = k pi/2 + r, |r| <= pi/4; of the four quadrants the odd ones take the cosine
 * polynomial and the upper two change sign. pi/2 in three parts. sin: relative error 3.9e-9, cos: 1.3e-10. */
static inline el_vf el_vsincos_(el_vf x, int32_t quadrant) {
    if (el_vm_any(el_vlt(el_vset1(8192.0f), el_vabs(x)))) {
        float t[EL_VF];
        el_vstore(t, x);
        for (int i = 0; i < EL_VF; i++) t[i] = quadrant ? cosf(t[i]) : sinf(t[i]);
        return el_vload(t);
    }
    const el_vf one = el_vset1(1.0f);
    el_vf k = el_vround(el_vmul(x, el_vset1(0.636619772f)));
    el_vf r = el_vfnma(k, el_vset1(1.5703125f), x);
    r = el_vfnma(k, el_vset1(4.83751297e-4f), r);
    r = el_vfnma(k, el_vset1(7.54978995e-8f), r);
    el_vf z = el_vmul(r, r);
    el_vf s = el_vset1(-1.951083977e-04f);
    s = el_vfma(s, z, el_vset1(8.332131431e-03f));
    s = el_vfma(s, z, el_vset1(-1.666665375e-01f));
    s = el_vfma(el_vmul(s, z), r, r);
    el_vf c = el_vset1(2.442568075e-05f);
    c = el_vfma(c, z, el_vset1(-1.388725126e-03f));
    c = el_vfma(c, z, el_vset1(4.166664556e-02f));
    c = el_vfma(el_vmul(c, z), z, el_vfnma(z, el_vset1(0.5f), one));
    el_vi n = el_viadd(el_vcvt_round(k), el_viset1(quadrant));
    el_vm odd = el_vieq(el_viand(n, el_viset1(1)), el_viset1(1));
    el_vf y = el_vselect(odd, c, s);
    if (quadrant == 0) y = el_vselect(el_veq(x, el_vzero()), x, y); /* keeps -0 */
    return el_vfrombits(el_vixor(el_vbits(y), el_vishl(el_viand(n, el_viset1(2)), 30)));
}
static inline el_vf el_vsin(el_vf x) { return el_vsincos_(x, 0); }
static inline el_vf el_vcos(el_vf x) { return el_vsincos_(x, 1); }

static inline el_vf el_vgelu(el_vf x) {
    el_vf h = el_vmul(x, el_vset1(0.5f));
    return el_vfma(h, el_verf(el_vmul(x, el_vset1(0.707106781f))), h);
}

/* 0.5 (1 + tanh u) = 1 / (1 + exp -2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
static inline el_vf el_vgelu_tanh(el_vf x) {
    el_vf x2 = el_vmul(x, x);
    el_vf u2 = el_vmul(x, el_vfma(x2, el_vset1(0.0713548163f), el_vset1(1.59576912f)));
    return el_vlogistic_times_(u2, x);
}

/* log(1 + exp x) = max(x, 0) + log(1 + exp -|x|). */
static inline el_vf el_vsoftplus(el_vf x) {
    el_vf e = el_vexp(el_vneg(el_vabs(x)));
    return el_vadd(el_vmax(el_vzero(), x), el_vlog1p_unit_(e));
}

/* x tanh(log(1 + e)) = x n / (n + 2), e = exp x, n = e (e + 2). From x = 20 on the quotient is 1. */
static inline el_vf el_vmish(el_vf x) {
    const el_vf two = el_vset1(2.0f);
    el_vf e = el_vexp(el_vmin(el_vset1(20.0f), x));
    el_vf n = el_vmul(e, el_vadd(e, two));
    return el_vmul(x, el_vdiv(n, el_vadd(n, two)));
}

/* The activation of a kernel's epilogue, every kind but EL_ACT_PRELU (whose slope is a buffer: see el_vprelu). The switch
 * is on a value that does not change within a kernel, so the branch is predicted; a hot loop over a cheap kind may
 * hoist it. NaN stays NaN for every kind. */
static inline __attribute__((always_inline)) el_vf el_vact_known(el_act act, el_vf x) {
    const el_vf zero = el_vzero(), one = el_vset1(1.0f);
    switch (act.kind) {
    case EL_ACT_CLAMP: return el_vclamp(x, el_vset1(act.a), el_vset1(act.b));
    case EL_ACT_LEAKY_RELU: return el_vselect(el_vlt(x, zero), el_vmul(x, el_vset1(act.a)), x);
    case EL_ACT_HARD_SIGMOID: return el_vclamp(el_vadd(el_vmul(x, el_vset1(act.a)), el_vset1(act.b)), zero, one);
    case EL_ACT_HARD_SWISH:
        return el_vmul(x, el_vclamp(el_vfma(x, el_vset1(1.0f / 6.0f), el_vset1(0.5f)), zero, one));
    case EL_ACT_SIGMOID: return el_vsigmoid(x);
    case EL_ACT_SILU: return el_vsilu(x);
    case EL_ACT_TANH: return el_vtanh(x);
    case EL_ACT_GELU: return el_vgelu(x);
    case EL_ACT_GELU_TANH: return el_vgelu_tanh(x);
    case EL_ACT_ELU: return el_vselect(el_vlt(x, zero), el_vmul(el_vset1(act.a), el_vexpm1(x)), x);
    case EL_ACT_SOFTPLUS: return el_vsoftplus(x);
    case EL_ACT_MISH: return el_vmish(x);
    default: return x;
    }
}
/* The same for any kind: 2 kB, which all kernels of an instruction set share (el_vact.simd.c). */
#if EL_VF == 16
#define el_vact_any el_vact__avx512
#elif EL_VF == 8
#define el_vact_any el_vact__avx2
#else
#define el_vact_any el_vact__neon
#endif
el_vf el_vact_any(el_act act, el_vf x);
/* Of a kind that is a constant that kind's code is inlined. */
static inline __attribute__((always_inline)) el_vf el_vact(el_act act, el_vf x) {
    return __builtin_constant_p(act.kind) ? el_vact_known(act, x) : el_vact_any(act, x);
}

static inline el_vf el_vprelu(el_vf x, el_vf slope) { return el_vselect(el_vlt(x, el_vzero()), el_vmul(x, slope), x); }

#endif
