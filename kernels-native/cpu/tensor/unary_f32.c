#include "el_act.h"
#include "el_tensor.h"

EL_KERNEL(unary_f32, scalar, el_unary_params)
void el_unary_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_unary_params* p = params_;
    const float* x = buffers[0];
    float* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) {
        float v = x[i];
        switch ((el_unary_op)p->op) {
        case EL_UNARY_ABS: v = fabsf(v); break;
        case EL_UNARY_NEG: v = -v; break;
        case EL_UNARY_EXP: v = expf(v); break;
        case EL_UNARY_LOG: v = logf(v); break;
        case EL_UNARY_SQRT: v = sqrtf(v); break;
        case EL_UNARY_RSQRT: v = 1.0f / sqrtf(v); break;
        case EL_UNARY_RECIPROCAL: v = 1.0f / v; break;
        case EL_UNARY_FLOOR: v = floorf(v); break;
        case EL_UNARY_CEIL: v = ceilf(v); break;
        case EL_UNARY_ROUND: v = rintf(v); break;
        case EL_UNARY_ERF: v = erff(v); break;
        case EL_UNARY_SIN: v = sinf(v); break;
        case EL_UNARY_COS: v = cosf(v); break;
        case EL_UNARY_SIGN: v = v > 0 ? 1.0f : v < 0 ? -1.0f : v; break;
        case EL_UNARY_SQUARE: v = v * v; break;
        case EL_UNARY_ACT:
        case EL_UNARY_COUNT_: v = el_act_apply(p->act, v, 0); break;
        }
        y[i] = v;
    }
}
