#include "widened_f16.h"

EL_KERNEL_SIMD(dwconv_f16, el_conv_params)

typedef struct dwconv_task {
    const el_conv_params* p;
    void* const* buffers;
} dwconv_task;

/* Output rows [begin, end) of the n*oh rows. */
static void dwconv_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dwconv_task* t = arg;
    const el_conv_params* p = t->p;
    const uint16_t *x = t->buffers[0], *b = t->buffers[1], *residual = t->buffers[3];
    const float *bias = t->buffers[2], *slope = t->buffers[4];
    uint16_t* y = t->buffers[5];
    const int64_t taps = (int64_t)p->kh * p->kw;
    for (int64_t row = begin; row < end; row++)
        for (int64_t ox = 0; ox < p->ow; ox++)
            for (int64_t c = 0; c < p->c; c += EL_VF) {
                const uint16_t* w = b + c / EL_PANEL * taps * EL_PANEL + c % EL_PANEL;
                const int64_t image = row / p->oh, oy = row % p->oh, at = (row * p->ow + ox) * p->c + c;
                el_vf sum = el_vzero();
                for (int64_t ky = 0; ky < p->kh; ky++)
                    for (int64_t kx = 0; kx < p->kw; kx++) {
                        const int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h, ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                        sum = el_vfma(el_vwiden_n(x + ((image * p->h + iy) * p->w + ix) * p->c + c, p->c - c), el_vwiden(w + (ky * p->kw + kx) * EL_PANEL), sum);
                    }
                finish(sum, p->act, p->c - c, bias ? bias + c : NULL, slope ? slope + c : NULL, residual ? residual + at : NULL, y + at);
            }
}

void EL_SIMD_NAME(dwconv_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    dwconv_task t = {params, buffers};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, dwconv_rows, &t);
}
