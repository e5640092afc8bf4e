#include "el_cuda_copy.h"

template <typename T>
EL_DEVICE void el_scatter(const el_scatter_params& p, const el_cuda_buffers& b) {
    const T* updates = (const T*)b.p[2];
    const int32_t* places = (const int32_t*)b.p[1];
    T* y = (T*)b.p[3];
    const unsigned slice = (unsigned)(p.slice_bytes / (int64_t)sizeof(T));
    EL_EACH(i, (unsigned)p.count * slice) {
        const unsigned row = i / slice;
        y[(unsigned)places[row] * slice + (i - row * slice)] = updates[i];
    }
}

/* The updates; they go to places that all differ. */
EL_CUDA_ENTRY(scatter_b1, el_scatter_params) {
    if (el_is_words(b.p[2], b.p[3], p.slice_bytes)) el_scatter<uint32_t>(p, b);
    else el_scatter<uint8_t>(p, b);
}

/* What stays, before the updates. */
EL_CUDA_ENTRY(scatter_b1_copy, el_scatter_params) {
    if (b.p[0] == b.p[3]) return;
    if (el_is_words(b.p[0], b.p[3], p.slices * p.slice_bytes)) {
        EL_EACH(i, p.slices * p.slice_bytes / 4) ((uint32_t*)b.p[3])[i] = ((const uint32_t*)b.p[0])[i];
    } else {
        EL_EACH(i, p.slices * p.slice_bytes) ((uint8_t*)b.p[3])[i] = ((const uint8_t*)b.p[0])[i];
    }
}

EL_CUDA_LAUNCH(scatter_b1, el_scatter_params) {
    if (!el_fits(p.slices * p.slice_bytes) || !el_fits(p.count * p.slice_bytes)) return 0;
    if (!el_each(device, launches, "scatter_b1_copy", p.slices * p.slice_bytes)) return 0;
    return 1 + el_each(device, launches + 1, "scatter_b1", p.count * p.slice_bytes);
}
