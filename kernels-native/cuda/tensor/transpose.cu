#include "el_cuda_nd.h"

/* A thread: four neighbours of y. detail: 1 where they are neighbours in x, too. */
template <typename T>
EL_DEVICE void el_transpose(const el_transpose_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, 4> pack;
    const T* x = (const T*)b.p[0];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    const bool whole = b.detail != 0 && (uint64_t)x % sizeof(pack) == 0; /* x may begin within a tensor */
    el_nd_walk<1> walk = {p.rank, p.dims, {p.x_stride}};
    EL_EACH(n, (count + 3) / 4) {
        unsigned i = 4 * n;
        const unsigned past = count - i < 4 ? count : i + 4;
        T* y = (T*)b.p[1];
        walk.start(i);
        if (whole) *(pack*)(y + i) = *(const pack*)(x + walk.offset[0]);
        else EL_ROLLED do {
            y[i] = x[walk.offset[0]];
            walk.next(++i);
        } while (i < past);
    }
}

EL_CUDA_ENTRY(transpose_b1, el_transpose_params) { el_transpose<uint8_t>(p, b); }
EL_CUDA_ENTRY(transpose_b2, el_transpose_params) { el_transpose<uint16_t>(p, b); }
EL_CUDA_ENTRY(transpose_b4, el_transpose_params) { el_transpose<uint32_t>(p, b); }
EL_CUDA_ENTRY(transpose_b8, el_transpose_params) { el_transpose<uint64_t>(p, b); }

static inline int el_transpose_rule(const el_transpose_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry) {
    const int64_t elements = el_nd_count(p.rank, p.dims);
    const int count = el_fits(elements) ? el_each(device, launches, entry, el_pieces(elements, 4)) : 0;
    launches[0].detail = el_nd_fours(p.rank, p.dims, p.x_stride);
    return count;
}
EL_CUDA_LAUNCH(transpose_b1, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b1"); }
EL_CUDA_LAUNCH(transpose_b2, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b2"); }
EL_CUDA_LAUNCH(transpose_b4, el_transpose_params) {
    if (device.allows_half) return el_in_half(el_transpose_rule(p, device, launches, "transpose_b2"), launches, 1 << 0 | 1 << 1);
    return el_transpose_rule(p, device, launches, "transpose_b4");
}
EL_CUDA_LAUNCH(transpose_b8, el_transpose_params) { return el_transpose_rule(p, device, launches, "transpose_b8"); }
