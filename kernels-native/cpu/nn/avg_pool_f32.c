#include "el_act.h"
#include "el_nn.h"

EL_KERNEL(avg_pool_f32, scalar, el_pool_params)

typedef struct avg_pool_task {
    const el_pool_params* p;
    const float* x;
    float* y;
} avg_pool_task;

/* Output rows [begin, end) of the n*oh rows. A window without any counted position gives 0/0 = NaN. */
static void avg_pool_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const avg_pool_task* t = arg;
    const el_pool_params* p = t->p;
    for (int64_t row = begin; row < end; row++)
        for (int32_t ox = 0; ox < p->ow; ox++)
            for (int32_t c = 0; c < p->c; c++) {
                int64_t image = row / p->oh, oy = row % p->oh;
                float sum = 0;
                int32_t count = 0;
                for (int32_t ky = 0; ky < p->kh; ky++)
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                        int64_t ix = (int64_t)ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (iy >= p->h + p->pad_bottom || ix >= p->w + p->pad_right) continue; /* ceil_mode overhang */
                        int inside = iy >= 0 && iy < p->h && ix >= 0 && ix < p->w;
                        count += inside || p->count_include_pad;
                        if (inside) sum += t->x[((image * p->h + iy) * p->w + ix) * p->c + c];
                    }
                t->y[(row * p->ow + ox) * p->c + c] = el_act_apply(p->act, sum / (float)count, 0.0f);
            }
}

void el_avg_pool_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    avg_pool_task t = {params, buffers[0], buffers[1]};
    el_parallel(ctx, (int64_t)t.p->n * t.p->oh, 1, avg_pool_rows, &t);
}
