/* int8 depthwise convolution, the obvious way. */
#include "qdwconv.h"

EL_KERNEL(qdwconv_s8, scalar, el_qconv_params)
EL_SCRATCH(qdwconv_s8, el_qconv_params)
EL_KEPT(qdwconv_s8, el_qconv_params)

/* Scratch, or what is kept, for the instruction set that needs the most. */
static size_t most_bytes(const el_qconv_params* p, int32_t threads, int kept) {
    static const int32_t taps[] = {4, 2, 1}, unit[] = {4, 4, 2};
    size_t most = 0;
    for (int i = 0; i < 3; i++) {
        const el_qdw_plan q = el_qdw_plan_for(p, taps[i], unit[i]);
        const size_t bytes = kept ? sizeof(el_qkept) + q.panel_bytes + q.weight_bytes : el_qdw_bytes(&q, threads);
        if (bytes > most) most = bytes;
    }
    return most;
}

size_t el_qdwconv_s8__scratch(const void* params, int32_t threads) { return most_bytes(params, threads, 0); }
size_t el_qdwconv_s8__kept(const void* params) { return most_bytes(params, 0, 1); }

void el_qdwconv_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qconv_params* p = params;
    const int8_t* x = buffers[0];
    const int8_t* weights = buffers[1];
    const int32_t* bias = buffers[2];
    const int32_t* multiplier = buffers[4];
    const int32_t* shift = buffers[5];
    int8_t* y = buffers[6];
    int64_t taps = (int64_t)p->kh * p->kw;

    for (int32_t n = 0; n < p->n; n++)
        for (int32_t oy = 0; oy < p->oh; oy++)
            for (int32_t ox = 0; ox < p->ow; ox++)
                for (int32_t c = 0; c < p->c; c++) {
                    const int8_t* w = weights + c / 16 * taps * 16 + c % 16;
                    uint32_t acc = bias ? (uint32_t)bias[c] : 0;
                    for (int32_t ky = 0; ky < p->kh; ky++)
                        for (int32_t kx = 0; kx < p->kw; kx++) {
                            int32_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                            int32_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            int32_t v = x[(((int64_t)n * p->h + iy) * p->w + ix) * p->c + c] - p->x_zero;
                            acc += (uint32_t)(v * w[(ky * p->kw + kx) * 16]);
                        }
                    int32_t r = el_requantize((int32_t)acc, multiplier[c], shift[c]);
                    y[(((int64_t)n * p->oh + oy) * p->ow + ox) * p->c + c] = (int8_t)el_clamp_s8(r, p->y_zero, p->y_min, p->y_max);
                }
}
