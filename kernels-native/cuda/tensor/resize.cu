#include "el_cuda_math.h"

/* The tables of places and weights are of float32. */
template <typename T>
EL_DEVICE void el_resize(const el_resize_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    const float *yw = (const float*)b.p[3], *xw = (const float*)b.p[6];
    const int32_t *y0 = (const int32_t*)b.p[1], *y1 = (const int32_t*)b.p[2], *x0 = (const int32_t*)b.p[4], *x1 = (const int32_t*)b.p[5];
    T* y = (T*)b.p[7];
    EL_EACH(at, (int64_t)p.n * p.oh * p.ow * p.c) {
        unsigned pixel = at / (unsigned)p.c, c = at - pixel * (unsigned)p.c;
        unsigned row = pixel / (unsigned)p.ow, j = pixel - row * (unsigned)p.ow;
        unsigned n = row / (unsigned)p.oh, i = row - n * (unsigned)p.oh;
        const T* image = x + (int64_t)n * p.h * p.w * p.c + c;
        const T *top = image + y0[i] * p.w * p.c, *bottom = image + y1[i] * p.w * p.c;
        float v = yw[i], h = xw[j];
        float t = (1.0f - h) * el_value(top[x0[j] * p.c]) + h * el_value(top[x1[j] * p.c]);
        float u = (1.0f - h) * el_value(bottom[x0[j] * p.c]) + h * el_value(bottom[x1[j] * p.c]);
        el_keep(y[at], (1.0f - v) * t + v * u);
    }
}

EL_CUDA_ENTRY(resize_f32, el_resize_params) { el_resize<float>(p, b); }
EL_CUDA_ENTRY(resize_f16, el_resize_params) { EL_FROM_80(el_resize<el_half>(p, b)); }

/* bytes: of a pixel. */
EL_DEVICE void el_resize_nearest(const el_resize_params& p, const el_cuda_buffers& b, const int bytes) {
    const uint8_t* x = (const uint8_t*)b.p[0];
    const int32_t *yi = (const int32_t*)b.p[1], *xi = (const int32_t*)b.p[2];
    uint8_t* y = (uint8_t*)b.p[3];
    EL_EACH(at, (int64_t)p.n * p.oh * p.ow * bytes) {
        unsigned pixel = at / (unsigned)bytes, c = at - pixel * (unsigned)bytes;
        unsigned row = pixel / (unsigned)p.ow, j = pixel - row * (unsigned)p.ow;
        unsigned n = row / (unsigned)p.oh, i = row - n * (unsigned)p.oh;
        y[at] = x[(((int64_t)n * p.h + yi[i]) * p.w + xi[j]) * bytes + c];
    }
}

EL_CUDA_ENTRY(resize_nearest_b1, el_resize_params) { el_resize_nearest(p, b, p.c); }
/* Float32 in float16: pixels are half as large. */
EL_CUDA_ENTRY(resize_nearest_f16, el_resize_params) { EL_FROM_80((el_resize_nearest(p, b, p.c / 2))); }

static inline bool el_resize_fits(const el_resize_params& p) { return el_fits((int64_t)p.n * p.h * p.w * p.c); }

EL_CUDA_LAUNCH(resize_f32, el_resize_params) {
    const int64_t count = (int64_t)p.n * p.oh * p.ow * p.c;
    if (!el_resize_fits(p)) return 0;
    if (device.allows_half) return el_in_half(el_each(device, launches, "resize_f16", count), launches, 1 << 0 | 1 << 7);
    return el_each(device, launches, "resize_f32", count);
}
EL_CUDA_LAUNCH(resize_nearest_b1, el_resize_params) {
    const int64_t count = (int64_t)p.n * p.oh * p.ow * p.c;
    if (!el_resize_fits(p)) return 0;
    if (device.allows_half) return el_in_half(el_each(device, launches, "resize_nearest_f16", count / 2), launches, 1 << 0 | 1 << 3);
    return el_each(device, launches, "resize_nearest_b1", count);
}
