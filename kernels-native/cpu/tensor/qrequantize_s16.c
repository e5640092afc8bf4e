/* int16 to int16 with another scale and zero point. */
#include "el_quant.h"

EL_KERNEL(requantize_s16, scalar, el_requantize_params)

typedef struct requantize_job {
    const el_requantize_params* p;
    void* const* buffers;
} requantize_job;

static void some(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const requantize_job* job = arg;
    const el_requantize_params* p = job->p;
    const int16_t* x = job->buffers[0];
    int16_t* y = job->buffers[1];
    for (int64_t i = begin; i < end; i++)
        y[i] = (int16_t)el_clamp_s8(el_requantize(x[i] - p->x_zero, p->multiplier, p->shift), p->y_zero, p->y_min, p->y_max);
}

void el_requantize_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    requantize_job job = {params, buffers};
    el_parallel(ctx, job.p->count, 16384, some, &job);
}
