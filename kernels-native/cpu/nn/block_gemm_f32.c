/* Product of floats with weights of few bits; the plain form. */
#include "block_gemm.h"

EL_KERNEL(block_gemm_f32, scalar, el_block_gemm_params)
EL_SCRATCH(block_gemm_f32, el_block_gemm_params)

size_t el_block_gemm_f32__scratch(const void* params, int32_t threads) { return el_block_scratch_of(params, sizeof(float)).bytes; }

static void some_panels(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_block_job* j = arg;
    const el_block_gemm_params* p = j->p;
    const el_block_sizes s = j->s;
    for (int64_t n = begin * 16; n < end * 16 && n < p->n; n++)
        for (int64_t m = 0; m < p->m; m++) {
            const uint8_t* panel = j->packed + n / 16 * s.units * s.bytes;
            const float* x = j->x + m * p->k;
            float y = 0;
            for (int32_t b = 0; b < s.blocks; b++) {
                int32_t first = b * s.block_units * s.rows, last = first + s.block_units * s.rows;
                if (last > p->k) last = p->k;
                float sum[2] = {0, 0};
                for (int32_t k = first; k < last; k++)
                    sum[k & 1] = fmaf(x[k], (float)el_block_q(p->bits, panel + (int64_t)(k / s.rows) * s.bytes, k % s.rows, (int32_t)(n % 16)), sum[k & 1]);
                int64_t at = (n / 16 * s.blocks + b) * 16 + n % 16;
                float t = fmaf(-(float)el_block_zero(p, j->zeros, at), el_block_sum(x + first, last - first), sum[0] + sum[1]);
                y = fmaf(el_block_scale(p, j->scales, at), t, y);
            }
            j->y[m * p->n + n] = y + (j->bias ? j->bias[n] : 0.0f);
        }
}

void el_block_gemm_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_job j = el_block_job_of(params, buffers);
    el_parallel(ctx, el_block_panels(&j), el_block_grain(&j), some_panels, &j);
}
