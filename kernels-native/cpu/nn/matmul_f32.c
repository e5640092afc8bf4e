#include "gemm_job.h"

EL_KERNEL(matmul_f32, scalar, el_matmul_params)
EL_SCRATCH(matmul_f32, el_matmul_params)

size_t el_matmul_f32__scratch(const void* params, int32_t threads) { return el_matmul_f32_scratch_bytes(params, threads); }

typedef struct matmul_task {
    const el_matmul_params* p;
    void* const* buffers;
} matmul_task;

/* Rows [begin, end) of the batches*m rows. */
static void matmul_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const matmul_task* t = arg;
    const el_matmul_params* p = t->p;
    float* y = t->buffers[2];
    int64_t m = p->m, n = p->n, k = p->k;
    for (int64_t row = begin; row < end; row++) {
        const float *a = t->buffers[0], *b = t->buffers[1];
        int64_t batch = row / m, i = row % m;
        for (int32_t d = 3; d >= 0; d--) {
            a += batch % p->batch[d] * p->a_stride[d];
            b += batch % p->batch[d] * p->b_stride[d];
            batch /= p->batch[d];
        }
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t q = 0; q < k; q++)
                sum += (p->trans_a ? a[q * m + i] : a[i * k + q]) * (p->trans_b ? b[j * k + q] : b[q * n + j]);
            y[row * n + j] = p->alpha * sum;
        }
    }
}

void el_matmul_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    matmul_task t = {params, buffers};
    int64_t rows = (int64_t)t.p->m * t.p->batch[0] * t.p->batch[1] * t.p->batch[2] * t.p->batch[3];
    el_parallel(ctx, rows, 4096 / ((int64_t)t.p->n * t.p->k + 1) + 1, matmul_rows, &t);
}
