#include "el_cuda_copy.h"

template <typename T>
EL_DEVICE void el_gather(const el_gather_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[2];
    unsigned inner = (unsigned)(p.inner_bytes / (int64_t)sizeof(T)), count = (unsigned)p.count;
    EL_EACH(i, (unsigned)p.outer * count * inner) {
        unsigned row = i / inner, at = i - row * inner, outer = row / count, k = row - outer * count;
        int64_t index = p.index_is_32 ? ((const int32_t*)b.p[1])[k] : ((const int64_t*)b.p[1])[k];
        if (index < 0) index += p.axis;
        y[i] = index >= 0 && index < p.axis ? x[(outer * (unsigned)p.axis + (unsigned)index) * inner + at] : (T)0;
    }
}

EL_CUDA_ENTRY(gather_b1, el_gather_params) {
    if (el_is_words(b.p[0], b.p[2], p.inner_bytes)) el_gather<uint32_t>(p, b);
    else el_gather<uint8_t>(p, b);
}

/* Float32 in float16: rows are half as long. */
EL_CUDA_ENTRY(gather_f16, el_gather_params) {
    EL_FROM_80(el_gather<uint16_t>((el_gather_params{p.outer, p.axis, p.inner_bytes / 2, p.count, p.index_is_32}), b));
}

EL_CUDA_LAUNCH(gather_b1, el_gather_params) {
    if (!el_fits(p.outer * p.axis * p.inner_bytes)) return 0;
    if (device.allows_half) return el_in_half(el_each(device, launches, "gather_f16", p.outer * p.count * p.inner_bytes / 4), launches, 1 << 0 | 1 << 2);
    return el_each(device, launches, "gather_b1", p.outer * p.count * p.inner_bytes);
}
