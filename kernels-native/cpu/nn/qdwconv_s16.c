/* int16 depthwise convolution with int8 weights, the obvious way. */
#include "el_quant.h"

EL_KERNEL(qdwconv_s16, scalar, el_qconv_params)

void el_qdwconv_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qconv_params* p = params;
    const int16_t* x = buffers[0];
    const int8_t* weights = buffers[1];
    const int64_t* bias = buffers[2];
    const int32_t* multiplier = buffers[4];
    const int32_t* shift = buffers[5];
    int16_t* y = buffers[6];
    int64_t taps = (int64_t)p->kh * p->kw;

    for (int32_t n = 0; n < p->n; n++)
        for (int32_t oy = 0; oy < p->oh; oy++)
            for (int32_t ox = 0; ox < p->ow; ox++)
                for (int32_t c = 0; c < p->c; c++) {
                    const int8_t* w = weights + c / 16 * taps * 16 + c % 16;
                    uint64_t acc = bias ? (uint64_t)bias[c] : 0;
                    for (int32_t ky = 0; ky < p->kh; ky++)
                        for (int32_t kx = 0; kx < p->kw; kx++) {
                            int32_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                            int32_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            acc += (uint64_t)(x[(((int64_t)n * p->h + iy) * p->w + ix) * p->c + c] * w[(ky * p->kw + kx) * 16]);
                        }
                    y[(((int64_t)n * p->oh + oy) * p->ow + ox) * p->c + c] =
                        el_finish_s16(acc, multiplier[c], shift[c], p->y_zero, p->y_min, p->y_max);
                }
}
