/* The activations of el_kernels.h on one float: the formula, as the scalar kernels use it. el_vact (el_vmath.h) is the same
 * over vectors. NaN stays NaN for every kind. */
#ifndef EL_ACT_H
#define EL_ACT_H
#include "el_kernels.h"
#include <math.h>

/* The activations that are an interval (possibly the whole line) are applied in registers. */
static inline int el_act_is_clamp(el_act act) { return act.kind == EL_ACT_NONE || act.kind == EL_ACT_CLAMP; }
static inline float el_act_lo(el_act act) { return act.kind == EL_ACT_CLAMP ? act.a : -INFINITY; }
static inline float el_act_hi(el_act act) { return act.kind == EL_ACT_CLAMP ? act.b : INFINITY; }

static inline float el_clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

static inline float el_sigmoidf(float x) { return 1.0f / (1.0f + expf(-x)); }

/* log(1 + exp x) without overflow. */
static inline float el_softplusf(float x) { return (x > 0 ? x : x < 0 ? 0.0f : x) + log1pf(expf(-fabsf(x))); }

/* slope: of the channel, read by EL_ACT_PRELU only. */
static inline float el_act_apply(el_act act, float x, float slope) {
    switch (act.kind) {
    case EL_ACT_CLAMP: return el_clampf(x, act.a, act.b);
    case EL_ACT_LEAKY_RELU: return x < 0 ? act.a * x : x;
    case EL_ACT_HARD_SIGMOID: return el_clampf(act.a * x + act.b, 0.0f, 1.0f);
    case EL_ACT_HARD_SWISH: return x * el_clampf(x / 6.0f + 0.5f, 0.0f, 1.0f);
    case EL_ACT_SIGMOID: return el_sigmoidf(x);
    case EL_ACT_SILU: return x * el_sigmoidf(x);
    case EL_ACT_TANH: return tanhf(x);
    case EL_ACT_GELU: return 0.5f * x * (1.0f + erff(x * 0.707106781f));
    case EL_ACT_GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
    case EL_ACT_ELU: return x < 0 ? act.a * expm1f(x) : x;
    case EL_ACT_PRELU: return x < 0 ? slope * x : x;
    case EL_ACT_SOFTPLUS: return el_softplusf(x);
    case EL_ACT_MISH: return x * tanhf(el_softplusf(x));
    default: return x;
    }
}

#endif
