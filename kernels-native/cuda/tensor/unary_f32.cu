#include "el_cuda_math.h"

EL_DEVICE float el_unary(const el_unary_params& p, float x) {
    switch (p.op) {
    case EL_UNARY_ABS: return el_abs(x);
    case EL_UNARY_NEG: return -x;
    case EL_UNARY_EXP: return el_exp(x);
    case EL_UNARY_LOG: return el_log(x);
    case EL_UNARY_SQRT: return __builtin_sqrtf(x);
    case EL_UNARY_RSQRT: return 1.0f / __builtin_sqrtf(x);
    case EL_UNARY_RECIPROCAL: return 1.0f / x;
    case EL_UNARY_FLOOR: return __builtin_floorf(x);
    case EL_UNARY_CEIL: return __builtin_ceilf(x);
    case EL_UNARY_ROUND: return __builtin_rintf(x);
    case EL_UNARY_ERF: return el_erf(x);
    case EL_UNARY_SIN: return el_sine(x, 0);
    case EL_UNARY_COS: return el_sine(x, 1);
    case EL_UNARY_SIGN: return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    case EL_UNARY_SQUARE: return x * x;
    default: return el_activate(p.act, x, 0.0f);
    }
}

/* x and y may be one: a thread reads an element before it writes it. */
template <typename T>
EL_DEVICE void el_unary_each(const el_unary_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    EL_EACH(i, p.count) el_keep(y[i], el_unary(p, el_value(x[i])));
}

EL_CUDA_ENTRY(unary_f32, el_unary_params) { el_unary_each<float>(p, b); }
EL_CUDA_ENTRY(unary_f16, el_unary_params) { EL_FROM_80(el_unary_each<el_half>(p, b)); }

EL_CUDA_LAUNCH(unary_f32, el_unary_params) {
    if (device.allows_half) return el_in_half(el_each(device, launches, "unary_f16", p.count), launches, 1 << 0 | 1 << 1);
    return el_each(device, launches, "unary_f32", p.count);
}
EL_CUDA_LAUNCH(unary_f16, el_unary_params) { return el_over_half(el_unary_f32__rule, p, device, launches); }
