#include "el_act.h"
#include "el_tensor.h"

static float apply(el_binary_op op, float a, float b) {
    switch (op) {
    case EL_BINARY_ADD: return a + b;
    case EL_BINARY_SUB: return a - b;
    case EL_BINARY_MUL: return a * b;
    case EL_BINARY_DIV: return a / b;
    case EL_BINARY_MIN: return a < b || a != a ? a : b;
    case EL_BINARY_MAX: return a > b || a != a ? a : b;
    case EL_BINARY_POW: return powf(a, b);
    case EL_BINARY_PRELU: return a < 0 ? a * b : a;
    case EL_BINARY_COUNT_: break;
    }
    return 0;
}

EL_KERNEL(binary_f32, scalar, el_binary_params)
void el_binary_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_binary_params* p = params_;
    const float *a = buffers[0], *b = buffers[1];
    float* y = buffers[2];
    int64_t count = 1;
    for (int32_t d = 0; d < p->rank; d++) count *= p->dims[d];
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, ai = 0, bi = 0;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            int64_t at = rest % p->dims[d];
            rest /= p->dims[d];
            ai += at * p->a_stride[d];
            bi += at * p->b_stride[d];
        }
        y[i] = el_act_apply(p->act, apply((el_binary_op)p->op, a[ai], b[bi]), 0);
    }
}
