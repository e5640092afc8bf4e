#include "el_cuda_math.h"

/* A block, or a warp, for each row of x[rows][depth], scale and bias in float32: mean, then the mean square of what is left, then the row. A thread takes N neighbours
 * at a time, of which depth is a multiple. x may be y. */
template <typename T, int N, bool WARP>
EL_DEVICE void el_layer_norm(const el_layer_norm_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, N> pack;
    EL_SHARED float store[33];
    const auto over_all = [&](float v) { return WARP ? el_warp_sum(v) : el_block_sum(v, store); };
    const int depth = (int)p.depth, threads = WARP ? 32 : el_threads(), first = el_thread() % threads * N, step = threads * N;
    const int64_t row = WARP ? (int64_t)el_block_x() * (el_threads() / 32) + el_thread() / 32 : el_block_x();
    if (row >= p.rows) return;
    const T* x = (const T*)b.p[0] + row * depth;
    const float *scale = (const float*)b.p[1], *bias = (const float*)b.p[2];
    T* y = (T*)b.p[3] + row * depth;
    float mean = 0, square = 0;
    if (!p.is_rms) {
        for (int i = first; i < depth; i += step) {
            const pack v = *(const pack*)(x + i);
            EL_UNROLL for (int l = 0; l < N; l++) mean += el_value(v.v[l]);
        }
        mean = over_all(mean) / (float)depth;
    }
    for (int i = first; i < depth; i += step) {
        const pack v = *(const pack*)(x + i);
        EL_UNROLL for (int l = 0; l < N; l++) square += (el_value(v.v[l]) - mean) * (el_value(v.v[l]) - mean);
    }
    const float factor = 1.0f / __builtin_sqrtf(over_all(square) / (float)depth + p.epsilon);
    EL_ROLLED for (int i = first; i < depth; i += step) {
        pack v = *(const pack*)(x + i);
        el_pack<float, N> by = {}, base = {};
        if (scale) by = *(const el_pack<float, N>*)(scale + i);
        if (bias) base = *(const el_pack<float, N>*)(bias + i);
        EL_UNROLL for (int l = 0; l < N; l++) {
            float u = (el_value(v.v[l]) - mean) * factor;
            if (scale) u *= by.v[l];
            el_keep(v.v[l], bias ? u + base.v[l] : u);
        }
        *(pack*)(y + i) = v;
    }
}

EL_CUDA_ENTRY(layer_norm_f32, el_layer_norm_params) { el_layer_norm<float, 1, false>(p, b); }
EL_CUDA_ENTRY(layer_norm_f32_warp, el_layer_norm_params) { el_layer_norm<float, 4, true>(p, b); }
EL_CUDA_ENTRY(layer_norm_f16, el_layer_norm_params) { EL_FROM_80((el_layer_norm<el_half, 1, false>(p, b))); }
EL_CUDA_ENTRY(layer_norm_f16_warp, el_layer_norm_params) { EL_FROM_80((el_layer_norm<el_half, 4, true>(p, b))); }

EL_CUDA_LAUNCH(layer_norm_f32, el_layer_norm_params) {
    const bool warp = p.depth <= 1024 && p.depth % 4 == 0, half = device.allows_half != 0;
    const int threads = warp ? 128 : p.depth > 512 ? 256 : p.depth > 128 ? 128 : 32;
    if (!el_fits(p.depth)) return 0;
    const char* entry = half ? warp ? "layer_norm_f16_warp" : "layer_norm_f16" : warp ? "layer_norm_f32_warp" : "layer_norm_f32";
    const int count = el_one(launches, entry, warp ? el_pieces(p.rows, 4) : p.rows, 1, 1, threads);
    return half ? el_in_half(count, launches, 1 << 0 | 1 << 3) : count;
}
