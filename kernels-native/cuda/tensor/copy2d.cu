#include "el_cuda_copy.h"

template <typename T>
EL_DEVICE void el_copy2d(const el_copy2d_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)((const char*)b.p[0] + p.x_offset);
    T* y = (T*)((char*)b.p[1] + p.y_offset);
    unsigned width = (unsigned)(p.row_bytes / (int64_t)sizeof(T));
    unsigned x_pitch = (unsigned)(p.x_pitch / (int64_t)sizeof(T)), y_pitch = (unsigned)(p.y_pitch / (int64_t)sizeof(T));
    EL_EACH(i, (unsigned)p.rows * width) {
        unsigned row = i / width, at = i - row * width;
        y[row * y_pitch + at] = x[row * x_pitch + at];
    }
}

/* Float32 in float16: all sizes are half. */
EL_DEVICE el_copy2d_params el_half_copy2d(const el_copy2d_params& p) {
    return {p.rows, p.row_bytes / 2, p.x_pitch / 2, p.y_pitch / 2, p.x_offset / 2, p.y_offset / 2};
}

template <typename T>
EL_DEVICE bool el_copies2d(const el_copy2d_params& p, const el_cuda_buffers& b) {
    return el_is_words<T>(b.p[0], b.p[1], p.row_bytes, p.x_pitch, p.y_pitch, p.x_offset, p.y_offset);
}

EL_DEVICE void el_copy2d_half(const el_copy2d_params& p, const el_cuda_buffers& b) {
    if (el_copies2d<el_quad_word>(p, b)) el_copy2d<el_quad_word>(p, b);
    else el_copy2d<uint16_t>(p, b);
}
EL_CUDA_ENTRY(copy2d_f16, el_copy2d_params) { EL_FROM_80(el_copy2d_half(el_half_copy2d(p), b)); }

EL_CUDA_ENTRY(copy2d_b1, el_copy2d_params) {
    if (el_copies2d<el_quad_word>(p, b)) el_copy2d<el_quad_word>(p, b);
    else if (el_copies2d<uint32_t>(p, b)) el_copy2d<uint32_t>(p, b);
    else el_copy2d<uint8_t>(p, b);
}

EL_CUDA_LAUNCH(copy2d_b1, el_copy2d_params) {
    if (!el_fits(p.rows * p.x_pitch) || !el_fits(p.rows * p.y_pitch)) return 0;
    if (device.allows_half) return el_in_half(el_each(device, launches, "copy2d_f16", p.rows * p.row_bytes / 4), launches, 1 << 0 | 1 << 1);
    return el_each(device, launches, "copy2d_b1", p.rows * p.row_bytes);
}
