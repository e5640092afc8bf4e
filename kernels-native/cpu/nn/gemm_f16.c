#define EL_ELEMENT uint16_t
#include "el_half.h"
#include "gemm_job.h"

EL_KERNEL(gemm_f16, scalar, el_gemm_params)
EL_SCRATCH(gemm_f16, el_gemm_params)

size_t el_gemm_f16__scratch(const void* params, int32_t threads) { return el_gemm_scratch_bytes(params, threads); }

typedef struct gemm_task {
    const el_gemm_params* p;
    void* const* buffers;
} gemm_task;

/* Panels [begin, end) of all rows. */
static void gemm_panels(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const gemm_task* t = arg;
    const el_gemm_params* p = t->p;
    const uint16_t *x = t->buffers[0], *b = t->buffers[1], *residual = t->buffers[3];
    const float *bias = t->buffers[2], *slope = t->buffers[4];
    uint16_t* y = t->buffers[5];
    for (int64_t panel = begin; panel < end; panel++)
        for (int64_t m = 0; m < p->m; m++) {
            const uint16_t* row = b + panel * p->k * EL_PANEL;
            float sums[EL_PANEL] = {0};
            for (int64_t k = 0; k < p->k; k++, row += EL_PANEL) {
                float v = el_half_widen(x[m * p->k + k]);
                for (int lane = 0; lane < EL_PANEL; lane++) sums[lane] += v * el_half_widen(row[lane]);
            }
            for (int64_t lane = 0; lane < EL_PANEL && panel * EL_PANEL + lane < p->n; lane++) {
                int64_t n = panel * EL_PANEL + lane, at = m * p->n + n;
                float sum = sums[lane] + (bias ? bias[n] : 0.0f) + (residual ? el_half_widen(residual[at]) : 0.0f);
                y[at] = el_half_narrow(el_act_apply(p->act, sum, slope ? slope[n] : 0.0f));
            }
        }
}

void el_gemm_f16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    gemm_task t = {params, buffers};
    el_parallel(ctx, (t.p->n + EL_PANEL - 1) / EL_PANEL, 1, gemm_panels, &t);
}
