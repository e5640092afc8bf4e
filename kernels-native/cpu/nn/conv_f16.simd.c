#include "widened_f16.h"

EL_KERNEL_SIMD(conv_f16, el_conv_params)

typedef struct conv_task {
    const el_conv_params* p;
    void* const* buffers;
    const uint16_t* zero; /* the channels of a pixel outside of the picture */
} conv_task;

/* Output rows [begin, end) of the n*oh rows. */
static void conv_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const conv_task* t = arg;
    const el_conv_params* p = t->p;
    const uint16_t *x = t->buffers[0], *b = t->buffers[1], *residual = t->buffers[3];
    const float *bias = t->buffers[2], *slope = t->buffers[4];
    uint16_t* y = t->buffers[5];
    const int64_t cin = p->c / p->groups, cout = p->oc / p->groups, k = (int64_t)p->kh * p->kw * cin, panels = (cout + EL_PANEL - 1) / EL_PANEL;
    for (int64_t row = begin; row < end; row++)
        for (int64_t ox = 0; ox < p->ow; ox += ROWS)
            for (int64_t panel = 0; panel < p->groups * panels; panel++) {
                const int64_t image = row / p->oh, oy = row % p->oh, g = panel / panels, first = panel % panels * EL_PANEL;
                el_vf sums[ROWS * ACROSS];
                for (int i = 0; i < ROWS * ACROSS; i++) sums[i] = el_vzero();
                for (int64_t ky = 0; ky < p->kh; ky++)
                    for (int64_t kx = 0; kx < p->kw; kx++) {
                        const int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        if (iy < 0 || iy >= p->h) continue;
                        const uint16_t* pixels[ROWS];
                        for (int r = 0; r < ROWS; r++) {
                            const int64_t ix = (ox + r) * p->stride_w - p->pad_left + kx * p->dilation_w;
                            pixels[r] = ix < 0 || ix >= p->w ? t->zero : x + ((image * p->h + iy) * p->w + ix) * p->c + g * cin;
                        }
                        add_products(sums, pixels, b + (panel * k + (ky * p->kw + kx) * cin) * EL_PANEL, cin);
                    }
                for (int r = 0; r < ROWS && ox + r < p->ow; r++)
                    for (int v = 0; v < ACROSS; v++) {
                        const int64_t in_group = first + v * EL_VF, oc = g * cout + in_group, at = (row * p->ow + ox + r) * p->oc + oc;
                        if (in_group >= cout) break;
                        finish(sums[r * ACROSS + v], p->act, cout - in_group, bias ? bias + oc : NULL, slope ? slope + oc : NULL, residual ? residual + at : NULL,
                               y + at);
                    }
            }
}

void EL_SIMD_NAME(conv_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    conv_task t = {params, buffers, ctx->scratch};
    memset(ctx->scratch, 0, (size_t)(t.p->c / t.p->groups) * sizeof *t.zero);
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, conv_rows, &t);
}
