/* Product of numbers rounded to int8 with weights of few bits; the plain form. */
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, scalar, el_block_gemm_params)
EL_SCRATCH(block_gemm_s8, el_block_gemm_params)

size_t el_block_gemm_s8__scratch(const void* params, int32_t threads) { return el_block_scratch_of(params, 1).bytes; }

static void some_panels(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_block_job* j = arg;
    const el_block_gemm_params* p = j->p;
    const el_block_sizes s = j->s;
    for (int64_t n = begin * 16; n < end * 16 && n < p->n; n++)
        for (int64_t m = 0; m < p->m; m++) {
            const uint8_t* panel = j->packed + n / 16 * s.units * s.bytes;
            const int8_t* x = (const int8_t*)j->rows + m * s.depth;
            float y = 0;
            for (int32_t b = 0; b < s.blocks; b++) {
                int32_t first = b * s.block_units * s.rows, last = first + s.block_units * s.rows;
                if (last > s.depth) last = s.depth;
                uint32_t sum = 0;
                for (int32_t k = first; k < last; k++)
                    sum += (uint32_t)(x[k] * el_block_q(p->bits, panel + (int64_t)(k / s.rows) * s.bytes, k % s.rows, (int32_t)(n % 16)));
                int64_t at = (n / 16 * s.blocks + b) * 16 + n % 16;
                sum -= (uint32_t)el_block_zero(p, j->zeros, at) * (uint32_t)j->int_sums[m * s.blocks + b];
                if (p->per_tensor) sum -= (uint32_t)j->x_zero * (uint32_t)j->wsum[n];
                y = fmaf((float)(int32_t)sum, el_block_scale(p, j->scales, at) * j->row_scales[m * s.blocks + b], y);
            }
            j->y[m * p->n + n] = y + (j->bias ? j->bias[n] : 0.0f);
        }
}

void el_block_gemm_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { el_block_gemm_s8(ctx, params, buffers, some_panels); }
