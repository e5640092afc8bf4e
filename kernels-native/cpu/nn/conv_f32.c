#include "el_act.h"
#include "gemm_job.h"

EL_KERNEL(conv_f32, scalar, el_conv_params)
EL_SCRATCH(conv_f32, el_conv_params)

/* Products in place of Winograd's filtering, for where the device says that they are faster. */
EL_SCRATCH(conv_f32__direct, el_conv_params)

size_t el_conv_f32__direct__scratch(const void* params, int32_t threads) {
    return el_conv_is_winograd(params) ? el_conv_scratch_bytes(params, threads) : EL_NO_FORM;
}

size_t el_conv_f32__scratch(const void* params, int32_t threads) { return el_conv_f32_scratch_bytes(params, threads); }

typedef struct conv_task {
    const el_conv_params* p;
    void* const* buffers;
} conv_task;

/* Output rows [begin, end) of the n*oh rows. */
static void conv_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const conv_task* t = arg;
    const el_conv_params* p = t->p;
    const float *x = t->buffers[0], *b = t->buffers[1], *bias = t->buffers[2], *residual = t->buffers[3], *slope = t->buffers[4];
    float* y = t->buffers[5];
    int64_t cin = p->c / p->groups, cout = p->oc / p->groups, k = p->kh * p->kw * cin;
    int64_t panels = (cout + EL_PANEL - 1) / EL_PANEL;
    for (int64_t row = begin; row < end; row++)
        for (int32_t ox = 0; ox < p->ow; ox++)
            for (int32_t oc = 0; oc < p->oc; oc++) {
                int64_t image = row / p->oh, oy = row % p->oh, g = oc / cout, column = oc % cout;
                const float* w = b + (g * panels + column / EL_PANEL) * k * EL_PANEL + column % EL_PANEL;
                float sum = 0;
                for (int32_t ky = 0; ky < p->kh; ky++)
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        int64_t ix = (int64_t)ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                        const float* pixel = x + ((image * p->h + iy) * p->w + ix) * p->c + g * cin;
                        const float* tap = w + (ky * p->kw + kx) * cin * EL_PANEL;
                        for (int64_t ci = 0; ci < cin; ci++) sum += pixel[ci] * tap[ci * EL_PANEL];
                    }
                int64_t at = (row * p->ow + ox) * p->oc + oc;
                sum += (bias ? bias[oc] : 0.0f) + (residual ? residual[at] : 0.0f);
                y[at] = el_act_apply(p->act, sum, slope ? slope[oc] : 0.0f);
            }
}

void el_conv_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    conv_task t = {params, buffers};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, conv_rows, &t);
}
