#include "el_cuda_conv.h"

/* A thread: LANES neighbouring channels of one output pixel, which lie side by side in memory. Weights [ceil(c/16)][kh*kw][16], float32 whatever T is, the type of
 * image, residual and result. */
template <typename T, int LANES>
EL_DEVICE void el_dwconv(const el_conv_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, LANES> pack;
    const T *x = (const T*)b.p[0], *residual = (const T*)b.p[3];
    const float *w = (const float*)b.p[1], *bias = (const float*)b.p[2], *slope = (const float*)b.p[4];
    T* y = (T*)b.p[5];
    const unsigned parts = (unsigned)(p.c / LANES);
    const int taps = p.kh * p.kw;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        el_window window = el_window_at(p, x, (int64_t)p.h * p.w * p.c * (int64_t)sizeof(T), pixel);
        const float* filter = w + (int64_t)(c / EL_PANEL) * taps * EL_PANEL + c % EL_PANEL;
        float sums[LANES] = {};
        for (int ky = 0, tap = 0; ky < p.kh; ky++) {
            const int iy = window.y + ky * p.dilation_h;
            if ((unsigned)iy >= (unsigned)p.h) {
                tap += p.kw;
                continue;
            }
            for (int kx = 0; kx < p.kw; kx++, tap++) {
                const int ix = window.x + kx * p.dilation_w;
                if ((unsigned)ix >= (unsigned)p.w) continue;
                const pack u = *(const pack*)((const T*)window.image + ((int64_t)iy * p.w + ix) * p.c + c);
                const el_pack<float, LANES % 4 == 0 ? 4 : 1>* v = (const el_pack<float, LANES % 4 == 0 ? 4 : 1>*)(filter + tap * EL_PANEL);
                EL_UNROLL for (int l = 0; l < LANES; l++) sums[l] = el_fma(el_value(u.v[l]), v[l / 4].v[l % 4], sums[l]);
            }
        }
        const unsigned at = (unsigned)pixel * (unsigned)p.c + (unsigned)c;
        pack whole = {};
        if (residual) whole = *(const pack*)(residual + at);
        EL_UNROLL for (int l = 0; l < LANES; l++) {
            float v = sums[l] + (bias ? bias[c + l] : 0.0f);
            if (residual) v += el_value(whole.v[l]);
            el_keep(whole.v[l], el_activate(p.act, v, slope ? slope[c + l] : 0.0f));
        }
        *(pack*)(y + at) = whole;
    }
}

EL_CUDA_ENTRY(dwconv_f32_4, el_conv_params) { el_dwconv<float, 4>(p, b); }
EL_CUDA_ENTRY(dwconv_f32_1, el_conv_params) { el_dwconv<float, 1>(p, b); }
EL_CUDA_ENTRY(dwconv_f16_8, el_conv_params) { EL_FROM_80((el_dwconv<el_half, 8>(p, b))); }
EL_CUDA_ENTRY(dwconv_f16_1, el_conv_params) { EL_FROM_80((el_dwconv<el_half, 1>(p, b))); }

EL_CUDA_LAUNCH(dwconv_f32, el_conv_params) {
    const int64_t pixels = (int64_t)p.n * p.oh * p.ow;
    if (!el_fits(pixels * p.c) || !el_fits((int64_t)p.n * p.h * p.w * p.c)) return 0;
    if (device.allows_half)
        return el_in_half(p.c % 8 == 0 ? el_each(device, launches, "dwconv_f16_8", pixels * (p.c / 8)) : el_each(device, launches, "dwconv_f16_1", pixels * p.c), launches, 1 << 0 | 1 << 3 | 1 << 5);
    return p.c % 4 == 0 ? el_each(device, launches, "dwconv_f32_4", pixels * (p.c / 4)) : el_each(device, launches, "dwconv_f32_1", pixels * p.c);
}
