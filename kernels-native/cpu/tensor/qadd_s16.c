/* int16 addition and subtraction by TFLite's rule. */
#include "el_quant.h"

EL_KERNEL(qadd_s16, scalar, el_qadd_params)
EL_KERNEL(qsub_s16, scalar, el_qadd_params)

typedef struct add_job {
    const el_qadd_params* p;
    void* const* buffers;
    int subtract;
} add_job;

static void some(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const add_job* job = arg;
    const el_qadd_params* p = job->p;
    const int16_t *a = job->buffers[0], *b = job->buffers[1];
    int16_t* y = job->buffers[2];
    int64_t ia = begin % p->a_period, ib = begin % p->b_period;
    for (int64_t i = begin; i < end; i++) {
        uint32_t sa = (uint32_t)(a[ia] + p->a_offset) << p->left_shift, sb = (uint32_t)(b[ib] + p->b_offset) << p->left_shift;
        uint32_t ra = (uint32_t)el_requantize((int32_t)sa, p->a_multiplier, p->a_shift), rb = (uint32_t)el_requantize((int32_t)sb, p->b_multiplier, p->b_shift);
        int32_t sum = (int32_t)(job->subtract ? ra - rb : ra + rb);
        y[i] = (int16_t)el_clamp_s8(el_requantize(sum, p->y_multiplier, p->y_shift), p->y_offset, p->y_min, p->y_max);
        if (++ia == p->a_period) ia = 0;
        if (++ib == p->b_period) ib = 0;
    }
}

void el_qadd_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    add_job job = {params, buffers, 0};
    el_parallel(ctx, job.p->count, 8192, some, &job);
}
void el_qsub_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    add_job job = {params, buffers, 1};
    el_parallel(ctx, job.p->count, 8192, some, &job);
}
