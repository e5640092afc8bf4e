#define EL_ELEMENT uint16_t
#include "el_half.h"
#include "gemm_job.h"

EL_KERNEL(conv_f16, scalar, el_conv_params)
EL_SCRATCH(conv_f16, el_conv_params)

size_t el_conv_f16__scratch(const void* params, int32_t threads) { return el_conv_f16_scratch_bytes(params, threads); }

typedef struct conv_task {
    const el_conv_params* p;
    void* const* buffers;
} conv_task;

/* Output rows [begin, end) of the n*oh rows. */
static void conv_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const conv_task* t = arg;
    const el_conv_params* p = t->p;
    const uint16_t *x = t->buffers[0], *b = t->buffers[1], *residual = t->buffers[3];
    const float *bias = t->buffers[2], *slope = t->buffers[4];
    uint16_t* y = t->buffers[5];
    int64_t cin = p->c / p->groups, cout = p->oc / p->groups, k = p->kh * p->kw * cin;
    int64_t panels = (cout + EL_PANEL - 1) / EL_PANEL;
    for (int64_t row = begin; row < end; row++)
        for (int32_t ox = 0; ox < p->ow; ox++)
            for (int64_t panel = 0; panel < p->groups * panels; panel++) {
                int64_t image = row / p->oh, oy = row % p->oh, g = panel / panels, first = panel % panels * EL_PANEL;
                float sums[EL_PANEL] = {0};
                for (int32_t ky = 0; ky < p->kh; ky++)
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        int64_t ix = (int64_t)ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                        const uint16_t* pixel = x + ((image * p->h + iy) * p->w + ix) * p->c + g * cin;
                        const uint16_t* tap = b + (panel * k + (ky * p->kw + kx) * cin) * EL_PANEL;
                        for (int64_t ci = 0; ci < cin; ci++, tap += EL_PANEL) {
                            float v = el_half_widen(pixel[ci]);
                            for (int lane = 0; lane < EL_PANEL; lane++) sums[lane] += v * el_half_widen(tap[lane]);
                        }
                    }
                for (int64_t lane = 0; lane < EL_PANEL && first + lane < cout; lane++) {
                    int64_t oc = g * cout + first + lane, at = (row * p->ow + ox) * p->oc + oc;
                    float sum = sums[lane] + (bias ? bias[oc] : 0.0f) + (residual ? el_half_widen(residual[at]) : 0.0f);
                    y[at] = el_half_narrow(el_act_apply(p->act, sum, slope ? slope[oc] : 0.0f));
                }
            }
}

void el_conv_f16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    conv_task t = {params, buffers};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, conv_rows, &t);
}
