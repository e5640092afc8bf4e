#include "el_cuda_math.h"

EL_CUDA_ENTRY(affine_f32, el_affine_params) {
    const float *x = (const float*)b.p[0], *scale = (const float*)b.p[1], *bias = (const float*)b.p[2];
    float* y = (float*)b.p[3];
    unsigned depth = (unsigned)p.depth;
    EL_EACH(i, p.rows * p.depth) {
        unsigned c = i % depth;
        float v = scale ? x[i] * scale[c] : x[i];
        y[i] = el_activate(p.act, bias ? v + bias[c] : v, 0.0f);
    }
}

EL_CUDA_LAUNCH(affine_f32, el_affine_params) { return el_each(device, launches, "affine_f32", p.rows * p.depth); }
