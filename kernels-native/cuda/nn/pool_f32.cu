#include "el_cuda_math.h"

/* A thread: LANES neighbouring channels of one output pixel. detail: 0 for the largest, 1 for the average. */
template <typename T, int LANES>
EL_DEVICE void el_window_pool(const el_pool_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, LANES> pack;
    const T* x = (const T*)b.p[0];
    const unsigned parts = (unsigned)p.c / LANES;
    const bool average = b.detail != 0;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        const int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        const el_place at = el_place_of(p, pixel);
        const int y0 = at.y * p.stride_h - p.pad_top, x0 = at.x * p.stride_w - p.pad_left;
        float all[LANES];
        EL_UNROLL for (int l = 0; l < LANES; l++) all[l] = average ? 0.0f : -EL_INFINITY;
        int count = 0;
        for (int ky = 0; ky < p.kh; ky++) {
            const int iy = y0 + ky * p.dilation_h;
            if (iy >= p.h + p.pad_bottom) continue; /* overhang of ceil_mode */
            const T* line = x + ((int64_t)(at.image * p.h + iy) * p.w + x0) * p.c + c;
            EL_ROLLED for (int kx = 0; kx < p.kw; kx++) {
                const int ix = x0 + kx * p.dilation_w;
                if (ix >= p.w + p.pad_right) continue;
                const bool inside = (unsigned)iy < (unsigned)p.h && (unsigned)ix < (unsigned)p.w;
                count += inside || p.count_include_pad;
                if (!inside) continue;
                const pack v = *(const pack*)(line + kx * p.dilation_w * p.c);
                if (average) {
                    EL_UNROLL for (int l = 0; l < LANES; l++) all[l] += el_value(v.v[l]);
                } else {
                    EL_UNROLL for (int l = 0; l < LANES; l++) all[l] = el_max(all[l], el_value(v.v[l]));
                }
            }
        }
        if (average) {
            EL_UNROLL for (int l = 0; l < LANES; l++) all[l] /= (float)count;
        }
        pack y;
        EL_UNROLL for (int l = 0; l < LANES; l++) el_keep(y.v[l], el_activate(p.act, all[l], 0.0f));
        *(pack*)((T*)b.p[1] + (int64_t)pixel * p.c + c) = y;
    }
}

EL_CUDA_ENTRY(pool_f32, el_pool_params) { el_window_pool<float, 1>(p, b); }
EL_CUDA_ENTRY(pool_f32_4, el_pool_params) { el_window_pool<float, 4>(p, b); }
EL_CUDA_ENTRY(pool_f16, el_pool_params) { EL_FROM_80((el_window_pool<el_half, 1>(p, b))); }
EL_CUDA_ENTRY(pool_f16_8, el_pool_params) { EL_FROM_80((el_window_pool<el_half, 8>(p, b))); }

static inline int el_pool_rule(const el_pool_params& p, const el_cuda_device& device, el_cuda_launch* launches, int average) {
    const bool half = device.allows_half != 0, whole = p.c % (half ? 8 : 4) == 0;
    const char* entry = half ? whole ? "pool_f16_8" : "pool_f16" : whole ? "pool_f32_4" : "pool_f32";
    const int count = el_each_output(p, device, launches, entry, whole ? p.c / (half ? 8 : 4) : p.c);
    launches[0].detail = average;
    return half ? el_in_half(count, launches, 1 << 0 | 1 << 1) : count;
}
EL_CUDA_LAUNCH(max_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, 0); }
EL_CUDA_LAUNCH(avg_pool_f32, el_pool_params) { return el_pool_rule(p, device, launches, 1); }
EL_CUDA_LAUNCH(max_pool_f16, el_pool_params) { return el_over_half(el_max_pool_f32__rule, p, device, launches); }
EL_CUDA_LAUNCH(avg_pool_f16, el_pool_params) { return el_over_half(el_avg_pool_f32__rule, p, device, launches); }
