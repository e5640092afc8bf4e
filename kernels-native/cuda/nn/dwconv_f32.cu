#include "el_cuda_conv.h"

/* A thread: LANES neighbouring channels of one output pixel, which lie side by side in memory. Weights [ceil(c/16)][kh*kw][16]. T: of
 * image, weights, residual and result. */
template <typename T, int LANES>
EL_DEVICE void el_dwconv(const el_conv_params& p, const el_cuda_buffers& b) {
    typedef el_pack<T, LANES> pack;
    const T *x = (const T*)b.p[0], *residual = (const T*)b.p[3];
    const T* w = (const T*)b.p[1];
    const float *bias = (const float*)b.p[2], *slope = (const float*)b.p[4];
    T* y = (T*)b.p[5];
    const unsigned parts = (unsigned)(p.c / LANES);
    const int taps = p.kh * p.kw;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        el_window window = el_window_at(p, x, (int64_t)p.h * p.w * p.c * (int64_t)sizeof(T), pixel);
        const T* filter = w + (int64_t)(c / EL_PANEL) * taps * EL_PANEL + c % EL_PANEL;
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
                const pack u = *(const pack*)((const T*)window.image + ((int64_t)iy * p.w + ix) * p.c + c), v = *(const pack*)(filter + tap * EL_PANEL);
                EL_UNROLL for (int l = 0; l < LANES; l++) sums[l] = el_fma(el_value(u.v[l]), el_value(v.v[l]), sums[l]);
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

/* A thread: four neighbouring channels, of which there is a multiple of four, of PIXELS neighbours in an output line; kernels K wide. Each column of the
 * image and each weight is read once for all of them. */
template <typename T, int STRIDE, int PIXELS>
EL_DEVICE void el_dwconv_line(const el_conv_params& p, const el_cuda_buffers& b) {
    constexpr int K = 3, COLUMNS = (PIXELS - 1) * STRIDE + K;
    typedef el_pack<T, 4> pack;
    typedef el_pack<float, 4> four;
    const T *x = (const T*)b.p[0], *residual = (const T*)b.p[3];
    const T* w = (const T*)b.p[1];
    const float *bias = (const float*)b.p[2], *slope = (const float*)b.p[4];
    const unsigned parts = (unsigned)p.c / 4, strips = (unsigned)(p.ow + PIXELS - 1) / PIXELS;
    EL_EACH(i, (unsigned)(p.n * p.oh) * strips * parts) {
        const unsigned strip = i / parts, row = strip / strips, image = row / (unsigned)p.oh;
        const int c = (int)(i - strip * parts) * 4, ox = (int)(strip - row * strips) * PIXELS;
        const int y0 = (int)(row - image * (unsigned)p.oh) * p.stride_h - p.pad_top, x0 = ox * STRIDE - p.pad_left;
        const T* filter = w + (int64_t)(c / EL_PANEL) * p.kh * K * EL_PANEL + c % EL_PANEL;
        four base = {}, by = {};
        if (bias) base = *(const four*)(bias + c);
        if (slope) by = *(const four*)(slope + c);
        four sums[PIXELS] = {};
        EL_ROLLED for (int ky = 0; ky < p.kh; ky++, filter += K * EL_PANEL) {
            const int iy = y0 + ky * p.dilation_h;
            if ((unsigned)iy >= (unsigned)p.h) continue;
            const T* line = x + ((int64_t)((int)image * p.h + iy) * p.w + x0) * p.c + c;
            four taps[K];
            EL_UNROLL for (int k = 0; k < K; k++) {
                const pack weights = *(const pack*)(filter + k * EL_PANEL);
                EL_UNROLL for (int l = 0; l < 4; l++) taps[k].v[l] = el_value(weights.v[l]);
            }
            EL_UNROLL for (int k = 0; k < COLUMNS; k++) {
                pack column = {};
                if ((unsigned)(x0 + k) < (unsigned)p.w) column = *(const pack*)(line + k * p.c);
                EL_UNROLL for (int q = 0; q < PIXELS; q++) {
                    const int tap = k - q * STRIDE;
                    if (tap < 0 || tap >= K) continue;
                    EL_UNROLL for (int l = 0; l < 4; l++) sums[q].v[l] = el_fma(el_value(column.v[l]), taps[tap].v[l], sums[q].v[l]);
                }
            }
        }
        const bool none = p.act.kind == EL_ACT_NONE, clamps = none || p.act.kind == EL_ACT_CLAMP;
        const float lo = none ? -EL_INFINITY : p.act.a, hi = none ? EL_INFINITY : p.act.b;
        const int64_t at = ((int64_t)row * (unsigned)p.ow + (unsigned)ox) * p.c + c;
        EL_UNROLL for (int q = 0; q < PIXELS; q++) {
            if (ox + q >= p.ow) continue;
            pack whole = {};
            if (residual) whole = *(const pack*)(residual + at + q * p.c);
            EL_UNROLL for (int l = 0; l < 4; l++) {
                const float v = sums[q].v[l] + base.v[l] + el_value(whole.v[l]);
                el_keep(whole.v[l], clamps ? el_clamp(v, lo, hi) : el_activate(p.act, v, by.v[l]));
            }
            *(pack*)((T*)b.p[5] + at + q * p.c) = whole;
        }
    }
}

EL_CUDA_ENTRY(dwconv_f32_4, el_conv_params) { el_dwconv<float, 4>(p, b); }
EL_CUDA_ENTRY(dwconv_f32_1, el_conv_params) { el_dwconv<float, 1>(p, b); }
EL_CUDA_ENTRY(dwconv_f16_8, el_conv_params) { EL_FROM_80((el_dwconv<el_half, 8>(p, b))); }
EL_CUDA_ENTRY(dwconv_f16_1, el_conv_params) { EL_FROM_80((el_dwconv<el_half, 1>(p, b))); }
EL_CUDA_ENTRY(dwconv_f16_line, el_conv_params) { EL_FROM_80((el_dwconv_line<el_half, 1, 4>(p, b))); }
EL_CUDA_ENTRY(dwconv_f16_line_halved, el_conv_params) { EL_FROM_80((el_dwconv_line<el_half, 2, 2>(p, b))); }

EL_CUDA_LAUNCH(dwconv_f32, el_conv_params) {
    const int64_t lines = (int64_t)p.n * p.oh, pixels = lines * p.ow;
    if (!el_fits(pixels * p.c) || !el_fits((int64_t)p.n * p.h * p.w * p.c)) return 0;
    if (!device.allows_half)
        return p.c % 4 == 0 ? el_each(device, launches, "dwconv_f32_4", pixels * (p.c / 4)) : el_each(device, launches, "dwconv_f32_1", pixels * p.c);
    const bool in_lines = p.c % 4 == 0 && p.kw == 3 && p.dilation_w == 1;
    const int count = in_lines && p.stride_w == 1   ? el_each(device, launches, "dwconv_f16_line", lines * el_pieces(p.ow, 4) * (p.c / 4))
                      : in_lines && p.stride_w == 2 ? el_each(device, launches, "dwconv_f16_line_halved", lines * el_pieces(p.ow, 2) * (p.c / 4))
                      : p.c % 8 == 0                ? el_each(device, launches, "dwconv_f16_8", pixels * (p.c / 8))
                                                    : el_each(device, launches, "dwconv_f16_1", pixels * p.c);
    return el_in_half(count, launches, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5);
}
EL_CUDA_LAUNCH(dwconv_f16, el_conv_params) { return el_over_half(el_dwconv_f32__rule, p, device, launches); }
