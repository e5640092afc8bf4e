/* int8 convolution, the obvious way: the oracle of every variant. */
#include "qmat.h"

EL_KERNEL(qconv_s8, scalar, el_qconv_params)
EL_SCRATCH(qconv_s8, el_qconv_params)
EL_KEPT(qconv_s8, el_qconv_params)

size_t el_qconv_s8__scratch(const void* params, int32_t threads) { return el_qmat_conv_scratch(params, threads, 0, 1); }
size_t el_qconv_s8__kept(const void* params) { return el_qmat_conv_kept(params); }

void el_qconv_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qconv_params* p = params;
    const int8_t* x = buffers[0];
    const int8_t* weights = buffers[1];
    const int32_t* bias = buffers[2];
    const int32_t* multiplier = buffers[4];
    const int32_t* shift = buffers[5];
    int8_t* y = buffers[6];
    int32_t cin = p->c / p->groups, cout = p->oc / p->groups;
    int64_t quads = (cin + 3) / 4, panel = (int64_t)p->kh * p->kw * quads * 64, group_bytes = (cout + 15) / 16 * panel;

    for (int32_t n = 0; n < p->n; n++)
        for (int32_t oy = 0; oy < p->oh; oy++)
            for (int32_t ox = 0; ox < p->ow; ox++)
                for (int32_t o = 0; o < p->oc; o++) {
                    int32_t g = o / cout, j = o % cout;
                    const int8_t* w = weights + g * group_bytes + j / 16 * panel + j % 16 * 4;
                    uint32_t acc = bias ? (uint32_t)bias[o] : 0;
                    for (int32_t ky = 0; ky < p->kh; ky++)
                        for (int32_t kx = 0; kx < p->kw; kx++) {
                            int32_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                            int32_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            const int8_t* pixel = x + (((int64_t)n * p->h + iy) * p->w + ix) * p->c + (int64_t)g * cin;
                            const int8_t* tap = w + ((int64_t)ky * p->kw + kx) * quads * 64;
                            for (int32_t ci = 0; ci < cin; ci++)
                                acc += (uint32_t)((pixel[ci] - p->x_zero) * tap[ci / 4 * 64 + ci % 4]);
                        }
                    int32_t r = el_requantize_once((int32_t)acc, multiplier[o], shift[o]);
                    y[(((int64_t)n * p->oh + oy) * p->ow + ox) * p->oc + o] =
                        (int8_t)el_clamp_s8(r, p->y_zero, p->y_min, p->y_max);
                }
}
