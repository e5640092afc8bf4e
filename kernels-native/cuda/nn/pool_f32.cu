#include "el_cuda_math.h"

/* A thread: one output value. */
template <typename T, bool AVERAGE>
EL_DEVICE void el_window_pool(const el_pool_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.c) {
        int pixel = (int)(i / (unsigned)p.c), c = (int)(i - (unsigned)pixel * (unsigned)p.c);
        el_place at = el_place_of(p, pixel);
        float sum = AVERAGE ? 0.0f : -EL_INFINITY;
        int count = 0;
        for (int ky = 0; ky < p.kh; ky++) {
            int iy = at.y * p.stride_h - p.pad_top + ky * p.dilation_h;
            if (iy >= p.h + p.pad_bottom) continue; /* overhang of ceil_mode */
            for (int kx = 0; kx < p.kw; kx++) {
                int ix = at.x * p.stride_w - p.pad_left + kx * p.dilation_w;
                if (ix >= p.w + p.pad_right) continue;
                bool inside = (unsigned)iy < (unsigned)p.h && (unsigned)ix < (unsigned)p.w;
                count += inside || p.count_include_pad;
                if (!inside) continue;
                float v = el_value(x[(((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + c]);
                sum = AVERAGE ? sum + v : el_max(sum, v);
            }
        }
        el_keep(y[i], el_activate(p.act, AVERAGE ? sum / (float)count : sum, 0.0f));
    }
}

EL_CUDA_ENTRY(max_pool_f32, el_pool_params) { el_window_pool<float, false>(p, b); }
EL_CUDA_ENTRY(avg_pool_f32, el_pool_params) { el_window_pool<float, true>(p, b); }
EL_CUDA_ENTRY(max_pool_f16, el_pool_params) { EL_FROM_80((el_window_pool<el_half, false>(p, b))); }
EL_CUDA_ENTRY(avg_pool_f16, el_pool_params) { EL_FROM_80((el_window_pool<el_half, true>(p, b))); }

static inline int el_pool_rule(const el_pool_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry, const char* half) {
    if (device.allows_half) return el_in_half(el_each_output(p, device, launches, half, p.c), launches, 1 << 0 | 1 << 1);
    return el_each_output(p, device, launches, entry, p.c);
}
EL_CUDA_LAUNCH(max_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, "max_pool_f32", "max_pool_f16"); }
EL_CUDA_LAUNCH(avg_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, "avg_pool_f32", "avg_pool_f16"); }
