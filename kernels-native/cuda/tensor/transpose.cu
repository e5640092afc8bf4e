#include "el_cuda_nd.h"

/* A thread goes over `detail` neighbours of y; 0: four, which are neighbours in x, too. */
template <typename T>
EL_DEVICE void el_transpose(const el_transpose_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, 4> pack;
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    const unsigned run = b.detail ? (unsigned)b.detail : 4;
    const bool whole = b.detail == 0 && (uint64_t)x % sizeof(pack) == 0; /* x may begin within a tensor */
    el_nd_walk<1> walk = {p.rank, p.dims, {p.x_stride}};
    EL_EACH(n, (count + run - 1) / run) {
        unsigned i = run * n;
        const unsigned past = count - i < run ? count : i + run;
        walk.start(i);
        if (whole) *(pack*)(y + i) = *(const pack*)(x + walk.offset[0]);
        else EL_ROLLED for (;;) {
            y[i] = x[walk.offset[0]];
            if (++i == past) break;
            walk.next(i);
        }
    }
}

EL_CUDA_ENTRY(transpose_b1, el_transpose_params) { el_transpose<uint8_t>(p, b); }
EL_CUDA_ENTRY(transpose_b2, el_transpose_params) { el_transpose<uint16_t>(p, b); }
EL_CUDA_ENTRY(transpose_b4, el_transpose_params) { el_transpose<uint32_t>(p, b); }
EL_CUDA_ENTRY(transpose_b8, el_transpose_params) { el_transpose<uint64_t>(p, b); }

static inline int el_transpose_rule(const el_transpose_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry) {
    const int64_t elements = el_nd_count(p.rank, p.dims), run = el_nd_fours(p.rank, p.dims, p.x_stride) ? 0 : el_nd_run(device, elements);
    const int count = el_fits(elements) ? el_each(device, launches, entry, el_pieces(elements, run ? run : 4)) : 0;
    launches[0].detail = run;
    return count;
}
EL_CUDA_LAUNCH(transpose_b1, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b1"); }
EL_CUDA_LAUNCH(transpose_b2, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b2"); }
EL_CUDA_LAUNCH(transpose_b4, el_transpose_params) {
    if (device.allows_half) return el_in_half(el_transpose_rule(p, device, launches, "transpose_b2"), launches, 1 << 0 | 1 << 1);
    return el_transpose_rule(p, device, launches, "transpose_b4");
}
EL_CUDA_LAUNCH(transpose_b8, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b8"); }
