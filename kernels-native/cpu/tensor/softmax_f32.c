#include "el_tensor.h"
#include <math.h>

EL_KERNEL(softmax_f32, scalar, el_softmax_params)
void el_softmax_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_softmax_params* p = params_;
    for (int64_t r = 0; r < p->rows; r++) {
        const float* x = (const float*)buffers[0] + r * p->depth;
        float* y = (float*)buffers[1] + r * p->depth;
        float max = -INFINITY;
        double sum = 0;
        for (int64_t i = 0; i < p->depth; i++) max = x[i] > max ? x[i] : max;
        for (int64_t i = 0; i < p->depth; i++) sum += exp((double)x[i] - max);
        for (int64_t i = 0; i < p->depth; i++) {
            double shifted = (double)x[i] - max;
            y[i] = (float)(p->is_log ? shifted - log(sum) : exp(shifted) / sum);
        }
    }
}
