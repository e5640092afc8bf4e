#include "el_cuda_conv.h"

/* A thread: one output value; it gathers the inputs that its taps come from. */
EL_CUDA_ENTRY(qconv_transpose_s8, el_qconv_params) {
    const int8_t* x = (const int8_t*)b.p[0];
    const int32_t *bias = (const int32_t*)b.p[2], *multiplier = (const int32_t*)b.p[4], *shift = (const int32_t*)b.p[5];
    int8_t* y = (int8_t*)b.p[6];
    const int cin = p.c / p.groups, n = p.oc / p.groups, words = (cin + 3) / 4, k = p.kh * p.kw * words;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.oc) {
        int pixel = (int)(i / (unsigned)p.oc), channel = (int)(i - (unsigned)pixel * (unsigned)p.oc);
        el_place at = el_place_of(p, pixel);
        int group = channel / n, column = channel - group * n;
        const int8_t* w = (const int8_t*)b.p[1] + ((int64_t)group * ((n + 15) / 16) + column / EL_PANEL) * k * 64 + column % EL_PANEL * 4;
        uint32_t sum = bias ? (uint32_t)bias[channel] : 0;
        for (int ky = 0; ky < p.kh; ky++) {
            int iy = el_transposed_source(at.y, ky, p.stride_h, p.dilation_h, p.pad_top, p.h);
            for (int kx = 0; kx < p.kw && iy >= 0; kx++) {
                int ix = el_transposed_source(at.x, kx, p.stride_w, p.dilation_w, p.pad_left, p.w);
                if (ix < 0) continue;
                const int8_t* from = x + (((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + group * cin;
                const int8_t* weights = w + (int64_t)(ky * p.kw + kx) * words * 64;
                for (int ci = 0; ci < cin; ci++) sum += (uint32_t)((from[ci] - p.x_zero) * weights[ci / 4 * 64 + ci % 4]);
            }
        }
        y[i] = (int8_t)el_clamp_s8(el_requantize((int32_t)sum, multiplier[channel], shift[channel]), p.y_zero, p.y_min, p.y_max);
    }
}

EL_CUDA_LAUNCH(qconv_transpose_s8, el_qconv_params) {
    return el_each_output(p, device, launches, "qconv_transpose_s8", p.oc);
}
