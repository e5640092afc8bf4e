#include "el_cuda_conv.h"

/* A thread: one output value; it gathers the inputs that its taps come from. Weights are panels as those of a convolution. */
EL_CUDA_ENTRY(conv_transpose_f32, el_conv_params) {
    const float *x = (const float*)b.p[0], *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float* y = (float*)b.p[5];
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.oc) {
        int pixel = (int)(i / (unsigned)p.oc), channel = (int)(i - (unsigned)pixel * (unsigned)p.oc);
        el_place at = el_place_of(p, pixel);
        int group = channel / n, column = channel - group * n;
        const float* w = (const float*)b.p[1] + ((int64_t)group * ((n + 15) / 16) + column / EL_PANEL) * k * EL_PANEL + column % EL_PANEL;
        float sum = 0;
        for (int ky = 0; ky < p.kh; ky++) {
            int iy = el_transposed_source(at.y, ky, p.stride_h, p.dilation_h, p.pad_top, p.h);
            for (int kx = 0; kx < p.kw && iy >= 0; kx++) {
                int ix = el_transposed_source(at.x, kx, p.stride_w, p.dilation_w, p.pad_left, p.w);
                if (ix < 0) continue;
                const float* from = x + (((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + group * cin;
                const float* weights = w + (int64_t)(ky * p.kw + kx) * cin * EL_PANEL;
                for (int ci = 0; ci < cin; ci++) sum = el_fma(from[ci], weights[ci * EL_PANEL], sum);
            }
        }
        y[i] = el_finish(p.act, sum, i, channel, bias, residual, slope);
    }
}

EL_CUDA_LAUNCH(conv_transpose_f32, el_conv_params) {
    return el_each_output(p, device, launches, "conv_transpose_f32", p.oc);
}
