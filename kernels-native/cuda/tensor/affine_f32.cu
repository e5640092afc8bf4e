#include "el_cuda_math.h"

/* Scale and bias are float32. */
template <typename T>
EL_DEVICE void el_affine(const el_affine_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    const float *scale = (const float*)b.p[1], *bias = (const float*)b.p[2];
    T* y = (T*)b.p[3];
    unsigned depth = (unsigned)p.depth;
    EL_EACH(i, p.rows * p.depth) {
        unsigned c = i % depth;
        float v = el_value(x[i]);
        if (scale) v *= scale[c];
        el_keep(y[i], el_activate(p.act, bias ? v + bias[c] : v, 0.0f));
    }
}

EL_CUDA_ENTRY(affine_f32, el_affine_params) { el_affine<float>(p, b); }
EL_CUDA_ENTRY(affine_f16, el_affine_params) { EL_FROM_80(el_affine<el_half>(p, b)); }

EL_CUDA_LAUNCH(affine_f32, el_affine_params) {
    if (device.allows_half) return el_in_half(el_each(device, launches, "affine_f16", p.rows * p.depth), launches, 1 << 0 | 1 << 3);
    return el_each(device, launches, "affine_f32", p.rows * p.depth);
}
