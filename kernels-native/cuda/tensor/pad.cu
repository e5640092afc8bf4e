#include "el_cuda_nd.h"

template <typename T>
EL_DEVICE void el_pad(const el_pad_params& p, const el_cuda_buffers& b, const T value) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)(p.before[d] + p.x_dims[d] + p.after[d]);
    EL_EACH(i, count) {
        unsigned rest = i;
        int offset = 0, stride = 1;
        bool inside = true;
        for (int d = p.rank - 1; d >= 0; d--) {
            unsigned dim = (unsigned)(p.before[d] + p.x_dims[d] + p.after[d]), outer = rest / dim;
            int at = (int)(rest - outer * dim) - (int)p.before[d];
            inside &= at >= 0 && at < (int)p.x_dims[d];
            offset += at * stride;
            stride *= (int)p.x_dims[d];
            rest = outer;
        }
        /* Not a choice between two values, of which the compiler would make one between two addresses, and the parameters a copy to have one. */
        y[i] = value;
        if (inside) y[i] = x[offset];
    }
}

static inline int el_pad_rule(const el_pad_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry) {
    int64_t count = 1;
    for (int d = 0; d < p.rank; d++) count *= p.before[d] + p.x_dims[d] + p.after[d];
    return el_fits(el_nd_count(p.rank, p.x_dims)) ? el_each(device, launches, entry, count) : 0;
}

EL_CUDA_ENTRY(pad_b1, el_pad_params) { el_pad<uint8_t>(p, b, (uint8_t)p.value); }
EL_CUDA_ENTRY(pad_b2, el_pad_params) { el_pad<uint16_t>(p, b, (uint16_t)p.value); }
EL_CUDA_ENTRY(pad_b4, el_pad_params) { el_pad<uint32_t>(p, b, (uint32_t)p.value); }
EL_CUDA_ENTRY(pad_b8, el_pad_params) { el_pad<uint64_t>(p, b, (uint64_t)p.value); }
EL_CUDA_ENTRY(pad_f16, el_pad_params) { EL_FROM_80((el_pad<uint16_t>(p, b, (uint16_t)el_to_half(el_float((unsigned)p.value))))); }

EL_CUDA_LAUNCH(pad_b1, el_pad_params) { return el_pad_rule(p, device, launches, "pad_b1"); }
EL_CUDA_LAUNCH(pad_b2, el_pad_params) { return el_pad_rule(p, device, launches, "pad_b2"); }
EL_CUDA_LAUNCH(pad_b4, el_pad_params) {
    if (device.allows_half) return el_in_half(el_pad_rule(p, device, launches, "pad_f16"), launches, 1 << 0 | 1 << 1);
    return el_pad_rule(p, device, launches, "pad_b4");
}
EL_CUDA_LAUNCH(pad_b8, el_pad_params) { return el_pad_rule(p, device, launches, "pad_b8"); }
