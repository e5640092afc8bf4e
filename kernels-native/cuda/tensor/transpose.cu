#include "el_cuda_nd.h"

template <typename T>
EL_DEVICE void el_transpose(const el_transpose_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count) y[i] = x[el_nd_offset(i, p.rank, p.dims, p.x_stride)];
}

EL_CUDA_ENTRY(transpose_b1, el_transpose_params) { el_transpose<uint8_t>(p, b); }
EL_CUDA_ENTRY(transpose_b2, el_transpose_params) { el_transpose<uint16_t>(p, b); }
EL_CUDA_ENTRY(transpose_b4, el_transpose_params) { el_transpose<uint32_t>(p, b); }
EL_CUDA_ENTRY(transpose_b8, el_transpose_params) { el_transpose<uint64_t>(p, b); }

EL_CUDA_LAUNCH(transpose_b1, el_transpose_params) { return el_each(device, launches, "transpose_b1", el_nd_count(p.rank, p.dims)); }
EL_CUDA_LAUNCH(transpose_b2, el_transpose_params) { return el_each(device, launches, "transpose_b2", el_nd_count(p.rank, p.dims)); }
EL_CUDA_LAUNCH(transpose_b4, el_transpose_params) {
    if (device.allows_half) return el_in_half(el_each(device, launches, "transpose_b2", el_nd_count(p.rank, p.dims)), launches, 1 << 0 | 1 << 1);
    return el_each(device, launches, "transpose_b4", el_nd_count(p.rank, p.dims));
}
EL_CUDA_LAUNCH(transpose_b8, el_transpose_params) { return el_each(device, launches, "transpose_b8", el_nd_count(p.rank, p.dims)); }
