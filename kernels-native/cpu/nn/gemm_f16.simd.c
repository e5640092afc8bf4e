#include "widened_f16.h"

EL_KERNEL_SIMD(gemm_f16, el_gemm_params)

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
        for (int64_t m = 0; m < p->m; m += ROWS) {
            el_vf sums[ROWS * ACROSS];
            const uint16_t* rows[ROWS];
            for (int i = 0; i < ROWS * ACROSS; i++) sums[i] = el_vzero();
            for (int r = 0; r < ROWS; r++) rows[r] = x + (m + r < p->m ? m + r : p->m - 1) * p->k;
            add_products(sums, rows, b + panel * p->k * EL_PANEL, p->k);
            for (int r = 0; r < ROWS && m + r < p->m; r++)
                for (int v = 0; v < ACROSS; v++) {
                    const int64_t n = panel * EL_PANEL + v * EL_VF, at = (m + r) * p->n + n;
                    if (n >= p->n) break;
                    finish(sums[r * ACROSS + v], p->act, p->n - n, bias ? bias + n : NULL, slope ? slope + n : NULL, residual ? residual + at : NULL, y + at);
                }
        }
}

void EL_SIMD_NAME(gemm_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    gemm_task t = {params, buffers};
    el_parallel(ctx, (t.p->n + EL_PANEL - 1) / EL_PANEL, 1, gemm_panels, &t);
}
