#include "el_cuda_math.h"

/* A block for each row of x[rows][depth]: mean, then the mean square of what is left, then the row. x may be y. */
EL_CUDA_ENTRY(layer_norm_f32, el_layer_norm_params) {
    EL_SHARED float store[33];
    int depth = (int)p.depth;
    const float *x = (const float*)b.p[0] + (int64_t)el_block_x() * depth, *scale = (const float*)b.p[1], *bias = (const float*)b.p[2];
    float* y = (float*)b.p[3] + (int64_t)el_block_x() * depth;
    float mean = 0, square = 0;
    if (!p.is_rms) {
        for (int i = el_thread(); i < depth; i += el_threads()) mean += x[i];
        mean = el_block_sum(mean, store) / (float)depth;
    }
    for (int i = el_thread(); i < depth; i += el_threads()) square += (x[i] - mean) * (x[i] - mean);
    float factor = 1.0f / __builtin_sqrtf(el_block_sum(square, store) / (float)depth + p.epsilon);
    for (int i = el_thread(); i < depth; i += el_threads()) {
        float v = (x[i] - mean) * factor;
        if (scale) v *= scale[i];
        y[i] = bias ? v + bias[i] : v;
    }
}

EL_CUDA_LAUNCH(layer_norm_f32, el_layer_norm_params) {
    return el_fits(p.depth) ? el_one(launches, "layer_norm_f32", p.rows, 1, 1, p.depth > 512 ? 256 : p.depth > 128 ? 128 : 32) : 0;
}
