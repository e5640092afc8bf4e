/* int8 matrix product with constant weights: y[m][n] from x[m][k] and packed B[k][n]. */
#include "qmat.h"

EL_KERNEL(qgemm_s8, scalar, el_qgemm_params)
EL_SCRATCH(qgemm_s8, el_qgemm_params)
EL_KEPT(qgemm_s8, el_qgemm_params)

size_t el_qgemm_s8__scratch(const void* params, int32_t threads) { return el_qmat_gemm_scratch(params, threads, 1); }
size_t el_qgemm_s8__kept(const void* params) { return el_qmat_gemm_kept(params); }

void el_qgemm_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qgemm_params* p = params;
    const int8_t* x = buffers[0];
    const int8_t* weights = buffers[1];
    const int32_t* bias = buffers[2];
    const int32_t* multiplier = buffers[4];
    const int32_t* shift = buffers[5];
    int8_t* y = buffers[6];
    int64_t panel = ((int64_t)p->k + 3) / 4 * 64;

    for (int64_t m = 0; m < p->m; m++)
        for (int32_t n = 0; n < p->n; n++) {
            const int8_t* w = weights + n / 16 * panel + n % 16 * 4;
            uint32_t acc = bias ? (uint32_t)bias[n] : 0;
            for (int32_t k = 0; k < p->k; k++)
                acc += (uint32_t)((x[m * p->k + k] - p->x_zero) * w[(int64_t)(k / 4) * 64 + k % 4]);
            int32_t r = el_requantize_once((int32_t)acc, multiplier[n], shift[n]);
            y[m * p->n + n] = (int8_t)el_clamp_s8(r, p->y_zero, p->y_min, p->y_max);
        }
}
