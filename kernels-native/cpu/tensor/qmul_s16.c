/* int16 multiplication by TFLite's rule. */
#include "el_quant.h"

EL_KERNEL(qmul_s16, scalar, el_qmul_params)

typedef struct mul_job {
    const el_qmul_params* p;
    void* const* buffers;
} mul_job;

static void some(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const mul_job* job = arg;
    const el_qmul_params* p = job->p;
    const int16_t *a = job->buffers[0], *b = job->buffers[1];
    int16_t* y = job->buffers[2];
    int64_t ia = begin % p->a_period, ib = begin % p->b_period;
    for (int64_t i = begin; i < end; i++) {
        int32_t product = (int32_t)((uint32_t)(a[ia] + p->a_offset) * (uint32_t)(b[ib] + p->b_offset));
        y[i] = (int16_t)el_clamp_s8(el_requantize(product, p->y_multiplier, p->y_shift), p->y_offset, p->y_min, p->y_max);
        if (++ia == p->a_period) ia = 0;
        if (++ib == p->b_period) ib = 0;
    }
}

void el_qmul_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    mul_job job = {params, buffers};
    el_parallel(ctx, job.p->count, 16384, some, &job);
}
