#include "el_cuda_nd.h"

template <typename T>
EL_DEVICE void el_where(const el_where_params& p, const el_cuda_buffers& b) {
    const uint8_t* c = (const uint8_t*)b.p[0];
    const T *x0 = (const T*)b.p[1], *x1 = (const T*)b.p[2];
    T* y = (T*)b.p[3];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count)
        y[i] = c[el_nd_offset(i, p.rank, p.dims, p.c_stride)] ? x0[el_nd_offset(i, p.rank, p.dims, p.a_stride)]
                                                             : x1[el_nd_offset(i, p.rank, p.dims, p.b_stride)];
}

EL_CUDA_ENTRY(where_f32, el_where_params) { el_where<float>(p, b); }
EL_CUDA_ENTRY(where_f16, el_where_params) { EL_FROM_80(el_where<el_half>(p, b)); }

EL_CUDA_LAUNCH(where_f32, el_where_params) {
    const int64_t count = el_nd_count(p.rank, p.dims);
    if (device.allows_half) return el_in_half(el_each(device, launches, "where_f16", count), launches, 1 << 1 | 1 << 2 | 1 << 3);
    return el_each(device, launches, "where_f32", count);
}
