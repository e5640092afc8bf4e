#include "el_act.h"
#include "el_nn.h"

EL_KERNEL(max_pool_f32, scalar, el_pool_params)

typedef struct max_pool_task {
    const el_pool_params* p;
    const float* x;
    float* y;
} max_pool_task;

/* Output rows [begin, end) of the n*oh rows. A NaN in the window gives NaN. */
static void max_pool_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const max_pool_task* t = arg;
    const el_pool_params* p = t->p;
    for (int64_t row = begin; row < end; row++)
        for (int32_t ox = 0; ox < p->ow; ox++)
            for (int32_t c = 0; c < p->c; c++) {
                int64_t image = row / p->oh, oy = row % p->oh;
                float best = -INFINITY;
                for (int32_t ky = 0; ky < p->kh; ky++)
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        int64_t ix = (int64_t)ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                        float v = t->x[((image * p->h + iy) * p->w + ix) * p->c + c];
                        if (v > best || isnan(v)) best = v;
                        if (isnan(best)) break;
                    }
                t->y[(row * p->ow + ox) * p->c + c] = el_act_apply(p->act, best, 0.0f);
            }
}

void el_max_pool_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    max_pool_task t = {params, buffers[0], buffers[1]};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, max_pool_rows, &t);
}
