/* int16 matrix product with constant int8 weights: y[m][n] from x[m][k] and packed B[k][n]. */
#include "qmat.h"

EL_KERNEL(qgemm_s16, scalar, el_qgemm_params)
EL_SCRATCH(qgemm_s16, el_qgemm_params)

size_t el_qgemm_s16__scratch(const void* params, int32_t threads) { return el_qmat_gemm_scratch(params, threads, 2); }

void el_qgemm_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qgemm_params* p = params;
    const int16_t* x = buffers[0];
    const int8_t* weights = buffers[1];
    const int64_t* bias = buffers[2];
    const int32_t* multiplier = buffers[4];
    const int32_t* shift = buffers[5];
    int16_t* y = buffers[6];
    int64_t panel = ((int64_t)p->k + 3) / 4 * 64;

    for (int64_t m = 0; m < p->m; m++)
        for (int32_t n = 0; n < p->n; n++) {
            const int8_t* w = weights + n / 16 * panel + n % 16 * 4;
            uint64_t acc = bias ? (uint64_t)bias[n] : 0;
            for (int32_t k = 0; k < p->k; k++) acc += (uint64_t)(x[m * p->k + k] * w[(int64_t)(k / 4) * 64 + k % 4]);
            y[m * p->n + n] = el_finish_s16(acc, multiplier[n], shift[n], p->y_zero, p->y_min, p->y_max);
        }
}
