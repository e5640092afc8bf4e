#include "dwconv.h"
#include "el_act.h"
#include "el_half.h"

EL_KERNEL(dwconv_f16, scalar, el_conv_params)
EL_SCRATCH(dwconv_f16, el_conv_params)

size_t el_dwconv_f16__scratch(const void* params, int32_t threads) {
    return el_dwconv_shared_bytes(params) + (size_t)threads * el_dwconv_worker_bytes(params);
}

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
    int64_t taps = (int64_t)p->kh * p->kw;
    for (int64_t row = begin; row < end; row++)
        for (int32_t ox = 0; ox < p->ow; ox++)
            for (int32_t c = 0; c < p->c; c++) {
                const uint16_t* w = b + c / EL_PANEL * taps * EL_PANEL + c % EL_PANEL;
                int64_t image = row / p->oh, oy = row % p->oh;
                float sum = 0;
                for (int32_t ky = 0; ky < p->kh; ky++)
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        int64_t ix = (int64_t)ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                        sum += el_half_widen(x[((image * p->h + iy) * p->w + ix) * p->c + c]) * el_half_widen(w[(ky * p->kw + kx) * EL_PANEL]);
                    }
                int64_t at = (row * p->ow + ox) * p->c + c;
                sum += (bias ? bias[c] : 0.0f) + (residual ? el_half_widen(residual[at]) : 0.0f);
                y[at] = el_half_narrow(el_act_apply(p->act, sum, slope ? slope[c] : 0.0f));
            }
}

void el_dwconv_f16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    dwconv_task t = {params, buffers};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, dwconv_rows, &t);
}
