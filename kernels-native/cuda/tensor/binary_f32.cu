#include "el_cuda_nd.h"

EL_DEVICE float el_binary(int op, float x, float y) {
    switch (op) {
    case EL_BINARY_ADD: return x + y;
    case EL_BINARY_SUB: return x - y;
    case EL_BINARY_MUL: return x * y;
    case EL_BINARY_DIV: return x / y;
    case EL_BINARY_MIN: return el_min(x, y);
    case EL_BINARY_MAX: return el_max(x, y);
    case EL_BINARY_POW: return el_power(x, y);
    default: return x < 0 ? x * y : x; /* EL_BINARY_PRELU */
    }
}

EL_CUDA_ENTRY(binary_f32, el_binary_params) {
    const float *x0 = (const float*)b.p[0], *x1 = (const float*)b.p[1];
    float* y = (float*)b.p[2];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count)
        y[i] = el_activate(p.act, el_binary(p.op, x0[el_nd_offset(i, p.rank, p.dims, p.a_stride)], x1[el_nd_offset(i, p.rank, p.dims, p.b_stride)]), 0.0f);
}

/* Both operands dense, of the result's shape. */
EL_CUDA_ENTRY(binary_f32_dense, el_binary_params) {
    const float *x0 = (const float*)b.p[0], *x1 = (const float*)b.p[1];
    float* y = (float*)b.p[2];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count) y[i] = el_activate(p.act, el_binary(p.op, x0[i], x1[i]), 0.0f);
}

EL_CUDA_LAUNCH(binary_f32, el_binary_params) {
    bool dense = el_nd_dense(p.rank, p.dims, p.a_stride) && el_nd_dense(p.rank, p.dims, p.b_stride);
    return el_each(device, launches, dense ? "binary_f32_dense" : "binary_f32", el_nd_count(p.rank, p.dims));
}
