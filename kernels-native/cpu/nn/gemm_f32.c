#include "el_act.h"
#include "gemm_job.h"

EL_KERNEL(gemm_f32, scalar, el_gemm_params)
EL_SCRATCH(gemm_f32, el_gemm_params)

/* Eight products of quarters in place of Strassen's seven, for where the device says that they are faster. */
EL_SCRATCH(gemm_f32__direct, el_gemm_params)

size_t el_gemm_f32__direct__scratch(const void* params, int32_t threads) {
    return el_gemm_is_strassen(params) ? el_gemm_scratch_bytes(params, threads) : EL_NO_FORM;
}

size_t el_gemm_f32__scratch(const void* params, int32_t threads) {
    return el_gemm_is_strassen(params) ? el_strassen_scratch_bytes(params, threads) : el_gemm_scratch_bytes(params, threads);
}

typedef struct gemm_task {
    const el_gemm_params* p;
    void* const* buffers;
} gemm_task;

static void gemm_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const gemm_task* t = arg;
    const el_gemm_params* p = t->p;
    const float *x = t->buffers[0], *b = t->buffers[1], *bias = t->buffers[2], *residual = t->buffers[3], *slope = t->buffers[4];
    float* y = t->buffers[5];
    for (int64_t m = begin; m < end; m++)
        for (int32_t n = 0; n < p->n; n++) {
            const float* column = b + (int64_t)(n / EL_PANEL) * p->k * EL_PANEL + n % EL_PANEL;
            float sum = 0;
            for (int64_t k = 0; k < p->k; k++) sum += x[m * p->k + k] * column[k * EL_PANEL];
            int64_t at = m * p->n + n;
            sum += (bias ? bias[n] : 0.0f) + (residual ? residual[at] : 0.0f);
            y[at] = el_act_apply(p->act, sum, slope ? slope[n] : 0.0f);
        }
}

void el_gemm_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    gemm_task t = {params, buffers};
    el_parallel(ctx, t.p->m, 4096 / ((int64_t)t.p->n * t.p->k + 1) + 1, gemm_rows, &t);
}
