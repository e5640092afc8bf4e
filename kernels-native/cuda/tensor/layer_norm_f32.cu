#include "el_cuda_math.h"

/* A block for each row of x[rows][depth], scale and bias in float32: mean, then the mean square of what is left, then the row. x may be y. */
template <typename T>
EL_DEVICE void el_layer_norm(const el_layer_norm_params& p, const el_cuda_buffers& b) {
    EL_SHARED float store[33];
    int depth = (int)p.depth;
    const T* x = (const T*)b.p[0] + (int64_t)el_block_x() * depth;
    const float *scale = (const float*)b.p[1], *bias = (const float*)b.p[2];
    T* y = (T*)b.p[3] + (int64_t)el_block_x() * depth;
    float mean = 0, square = 0;
    if (!p.is_rms) {
        for (int i = el_thread(); i < depth; i += el_threads()) mean += el_value(x[i]);
        mean = el_block_sum(mean, store) / (float)depth;
    }
    for (int i = el_thread(); i < depth; i += el_threads()) square += (el_value(x[i]) - mean) * (el_value(x[i]) - mean);
    float factor = 1.0f / __builtin_sqrtf(el_block_sum(square, store) / (float)depth + p.epsilon);
    for (int i = el_thread(); i < depth; i += el_threads()) {
        float v = (el_value(x[i]) - mean) * factor;
        if (scale) v *= scale[i];
        el_keep(y[i], bias ? v + bias[i] : v);
    }
}

EL_CUDA_ENTRY(layer_norm_f32, el_layer_norm_params) { el_layer_norm<float>(p, b); }
EL_CUDA_ENTRY(layer_norm_f16, el_layer_norm_params) { EL_FROM_80(el_layer_norm<el_half>(p, b)); }

EL_CUDA_LAUNCH(layer_norm_f32, el_layer_norm_params) {
    const int threads = p.depth > 512 ? 256 : p.depth > 128 ? 128 : 32;
    if (!el_fits(p.depth)) return 0;
    if (device.allows_half) return el_in_half(el_one(launches, "layer_norm_f16", p.rows, 1, 1, threads), launches, 1 << 0 | 1 << 3);
    return el_one(launches, "layer_norm_f32", p.rows, 1, 1, threads);
}
