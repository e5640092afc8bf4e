#include "el_cuda_conv.h"

/* A thread: LANES neighbouring channels of one output pixel. Weights [ceil(c/16)][kh*kw][16]. */
template <int LANES>
EL_DEVICE void el_dwconv(const el_conv_params& p, const el_cuda_buffers& b) {
    const float *x = (const float*)b.p[0], *w = (const float*)b.p[1], *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float* y = (float*)b.p[5];
    const unsigned parts = (unsigned)(p.c / LANES);
    const int taps = p.kh * p.kw;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        el_window window = el_window_at(p, x, (int64_t)p.h * p.w * p.c * 4, pixel);
        const float* filter = w + (int64_t)(c / EL_PANEL) * taps * EL_PANEL + c % EL_PANEL;
        float sums[LANES] = {};
        for (int tap = 0; tap < taps; tap++) {
            int place = el_tap(p, window, tap);
            if (place < 0) continue;
            const float* from = (const float*)window.image + (int64_t)place * p.c + c;
            if (LANES == 4) {
                el_f4 u = el_load4(from), v = el_load4(filter + tap * EL_PANEL);
                EL_UNROLL for (int l = 0; l < LANES; l++) sums[l] = el_fma(u.v[l], v.v[l], sums[l]);
            } else {
                sums[0] = el_fma(from[0], filter[tap * EL_PANEL], sums[0]);
            }
        }
        unsigned at = (unsigned)pixel * (unsigned)p.c + (unsigned)c;
        EL_UNROLL for (int l = 0; l < LANES; l++) y[at + l] = el_finish(p.act, sums[l], at + l, c + l, bias, residual, slope);
    }
}

EL_CUDA_ENTRY(dwconv_f32_4, el_conv_params) { el_dwconv<4>(p, b); }
EL_CUDA_ENTRY(dwconv_f32_1, el_conv_params) { el_dwconv<1>(p, b); }

EL_CUDA_LAUNCH(dwconv_f32, el_conv_params) {
    const int64_t pixels = (int64_t)p.n * p.oh * p.ow;
    if (!el_fits(pixels * p.c) || !el_fits((int64_t)p.n * p.h * p.w * p.c)) return 0;
    return p.c % 4 == 0 ? el_each(device, launches, "dwconv_f32_4", pixels * (p.c / 4)) : el_each(device, launches, "dwconv_f32_1", pixels * p.c);
}
