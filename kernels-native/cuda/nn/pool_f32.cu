#include "el_cuda_math.h"

/* A thread: one output value. */
template <bool AVERAGE>
EL_DEVICE void el_window_pool(const el_pool_params& p, const el_cuda_buffers& b) {
    const float* x = (const float*)b.p[0];
    float* y = (float*)b.p[1];
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
                float v = x[(((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + c];
                sum = AVERAGE ? sum + v : el_max(sum, v);
            }
        }
        y[i] = el_activate(p.act, AVERAGE ? sum / (float)count : sum, 0.0f);
    }
}

EL_CUDA_ENTRY(max_pool_f32, el_pool_params) { el_window_pool<false>(p, b); }
EL_CUDA_ENTRY(avg_pool_f32, el_pool_params) { el_window_pool<true>(p, b); }

EL_CUDA_LAUNCH(max_pool_f32, el_pool_params) { return el_each_output(p, device, launches, "max_pool_f32", p.c); }
EL_CUDA_LAUNCH(avg_pool_f32, el_pool_params) { return el_each_output(p, device, launches, "avg_pool_f32", p.c); }
