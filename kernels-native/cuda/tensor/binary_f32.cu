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

/* DENSE: both operands are, and of the result's shape. */
template <typename T, bool DENSE>
EL_DEVICE void el_binary_each(const el_binary_params& p, const el_cuda_buffers& b) {
    const T *x0 = (const T*)b.p[0], *x1 = (const T*)b.p[1];
    T* y = (T*)b.p[2];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count) {
        const T v0 = x0[DENSE ? (int)i : el_nd_offset(i, p.rank, p.dims, p.a_stride)], v1 = x1[DENSE ? (int)i : el_nd_offset(i, p.rank, p.dims, p.b_stride)];
        el_keep(y[i], el_activate(p.act, el_binary(p.op, el_value(v0), el_value(v1)), 0.0f));
    }
}

EL_CUDA_ENTRY(binary_f32, el_binary_params) { el_binary_each<float, false>(p, b); }
EL_CUDA_ENTRY(binary_f32_dense, el_binary_params) { el_binary_each<float, true>(p, b); }
EL_CUDA_ENTRY(binary_f16, el_binary_params) { EL_FROM_80((el_binary_each<el_half, false>(p, b))); }
EL_CUDA_ENTRY(binary_f16_dense, el_binary_params) { EL_FROM_80((el_binary_each<el_half, true>(p, b))); }

EL_CUDA_LAUNCH(binary_f32, el_binary_params) {
    const bool dense = el_nd_dense(p.rank, p.dims, p.a_stride) && el_nd_dense(p.rank, p.dims, p.b_stride);
    const int64_t count = el_nd_count(p.rank, p.dims);
    if (device.allows_half) return el_in_half(el_each(device, launches, dense ? "binary_f16_dense" : "binary_f16", count), launches, 1 << 0 | 1 << 1 | 1 << 2);
    return el_each(device, launches, dense ? "binary_f32_dense" : "binary_f32", count);
}
