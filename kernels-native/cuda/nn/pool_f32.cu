#include "el_cuda_math.h"

/* A thread: one output value. */
template <bool AVERAGE>
EL_DEVICE void el_window_pool(const el_pool_params& p, const el_cuda_buffers& b) {
    const float* x = (const float*)b.p[0];
    float* y = (float*)b.p[1];
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.c) {
        int pixel = (int)(i / (unsigned)p.c), c = (int)(i - (unsigned)pixel * (unsigned)p.c);
        int row = pixel / p.ow, ox = pixel - row * p.ow, n = row / p.oh, oy = row - n * p.oh;
        float sum = AVERAGE ? 0.0f : -EL_INFINITY;
        int count = 0;
        for (int ky = 0; ky < p.kh; ky++) {
            int iy = oy * p.stride_h - p.pad_top + ky * p.dilation_h;
            if (iy >= p.h + p.pad_bottom) continue; /* overhang of ceil_mode */
            for (int kx = 0; kx < p.kw; kx++) {
                int ix = ox * p.stride_w - p.pad_left + kx * p.dilation_w;
                if (ix >= p.w + p.pad_right) continue;
                bool inside = (unsigned)iy < (unsigned)p.h && (unsigned)ix < (unsigned)p.w;
                count += inside || p.count_include_pad;
                if (!inside) continue;
                float v = x[(((int64_t)n * p.h + iy) * p.w + ix) * p.c + c];
                sum = AVERAGE ? sum + v : el_max(sum, v);
            }
        }
        y[i] = el_activate(p.act, AVERAGE ? sum / (float)count : sum, 0.0f);
    }
}

EL_CUDA_ENTRY(max_pool_f32, el_pool_params) { el_window_pool<false>(p, b); }
EL_CUDA_ENTRY(avg_pool_f32, el_pool_params) { el_window_pool<true>(p, b); }

static inline int el_pool_rule(const el_pool_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry) {
    return el_fits((int64_t)p.n * p.h * p.w * p.c) ? el_each(device, launches, entry, (int64_t)p.n * p.oh * p.ow * p.c) : 0;
}
EL_CUDA_LAUNCH(max_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, "max_pool_f32"); }
EL_CUDA_LAUNCH(avg_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, "avg_pool_f32"); }
