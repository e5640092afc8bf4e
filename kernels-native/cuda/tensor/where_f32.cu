#include "el_cuda_nd.h"

EL_CUDA_ENTRY(where_f32, el_where_params) {
    const uint8_t* c = (const uint8_t*)b.p[0];
    const float *x0 = (const float*)b.p[1], *x1 = (const float*)b.p[2];
    float* y = (float*)b.p[3];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count)
        y[i] = c[el_nd_offset(i, p.rank, p.dims, p.c_stride)] ? x0[el_nd_offset(i, p.rank, p.dims, p.a_stride)]
                                                             : x1[el_nd_offset(i, p.rank, p.dims, p.b_stride)];
}

EL_CUDA_LAUNCH(where_f32, el_where_params) { return el_each(device, launches, "where_f32", el_nd_count(p.rank, p.dims)); }
