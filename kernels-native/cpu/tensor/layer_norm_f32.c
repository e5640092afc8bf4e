#include "el_tensor.h"
#include <math.h>

EL_KERNEL(layer_norm_f32, scalar, el_layer_norm_params)
void el_layer_norm_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_layer_norm_params* p = params_;
    const float *scale = buffers[1], *bias = buffers[2];
    for (int64_t r = 0; r < p->rows; r++) {
        const float* x = (const float*)buffers[0] + r * p->depth;
        float* y = (float*)buffers[3] + r * p->depth;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < p->depth; i++) mean += x[i];
        mean = p->is_rms ? 0 : mean / (double)p->depth;
        for (int64_t i = 0; i < p->depth; i++) variance += (x[i] - mean) * (x[i] - mean);
        variance /= (double)p->depth;
        double inverse = 1.0 / sqrt(variance + (double)p->epsilon);
        for (int64_t i = 0; i < p->depth; i++) {
            float n = (float)((x[i] - mean) * inverse);
            y[i] = n * (scale ? scale[i] : 1.0f) + (bias ? bias[i] : 0.0f);
        }
    }
}
