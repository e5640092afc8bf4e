#include "el_act.h"
#include "el_tensor.h"

EL_KERNEL(affine_f32, scalar, el_affine_params)
void el_affine_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_affine_params* p = params_;
    const float *x = buffers[0], *scale = buffers[1], *bias = buffers[2];
    float* y = buffers[3];
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t c = 0; c < p->depth; c++) {
            float v = x[r * p->depth + c] * (scale ? scale[c] : 1.0f) + (bias ? bias[c] : 0.0f);
            y[r * p->depth + c] = el_act_apply(p->act, v, 0);
        }
}
