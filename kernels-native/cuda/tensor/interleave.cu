#include "el_cuda_device.h"

/* A thread: one element of each operand, side by side in the result. */
template <typename T>
EL_DEVICE void el_interleave(const el_interleave_params& p, const el_cuda_buffers& b) {
    const T *x0 = (const T*)b.p[0], *x1 = (const T*)b.p[1];
    const unsigned width = (unsigned)p.width, half = p.halves ? width / 2 : width;
    EL_EACH(i, p.rows * p.width) {
        unsigned row = i / width, at = i - row * width;
        T* y = at < half ? (T*)b.p[2] + row * 2 * half + 2 * at : (T*)b.p[3] + row * 2 * half + 2 * (at - half);
        y[0] = x0[i];
        y[1] = x1[i];
    }
}

EL_CUDA_ENTRY(interleave_b1, el_interleave_params) { el_interleave<uint8_t>(p, b); }
EL_CUDA_ENTRY(interleave_b2, el_interleave_params) { EL_FROM_80(el_interleave<uint16_t>(p, b)); }
EL_CUDA_ENTRY(interleave_b4, el_interleave_params) { el_interleave<uint32_t>(p, b); }

static inline int el_interleave_rule(const el_interleave_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry) {
    return el_fits(p.rows * p.width * 2) ? el_each(device, launches, entry, p.rows * p.width) : 0;
}
EL_CUDA_LAUNCH(interleave_b1, el_interleave_params) { return el_interleave_rule(p, device, launches, "interleave_b1"); }
EL_CUDA_LAUNCH(interleave_b4, el_interleave_params) {
    if (device.allows_half) return el_in_half(el_interleave_rule(p, device, launches, "interleave_b2"), launches, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3);
    return el_interleave_rule(p, device, launches, "interleave_b4");
}
