#include "gemm_job.h"

EL_KERNEL(attention_f32, scalar, el_attention_params)
EL_SCRATCH(attention_f32, el_attention_params)

size_t el_attention_f32__scratch(const void* params, int32_t threads) { return el_attention_f32_scratch_bytes(params, threads); }

typedef struct attention_task {
    const el_attention_params* p;
    void* const* buffers;
    float* scores;          /* [threads][t], thread_floats apart */
    int64_t thread_floats;
} attention_task;

/* Rows [begin, end) of [batch][heads][s]. */
static void attention_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const attention_task* task = arg;
    const el_attention_params* p = task->p;
    float* score = task->scores + worker * task->thread_floats;
    for (int64_t row = begin; row < end; row++) {
        int64_t s = row % p->s, h = row / p->s % p->heads, b = row / p->s / p->heads, lo, hi;
        const float* q = (const float*)task->buffers[0] + b * p->q[0] + h * p->q[1] + s * p->q[2];
        const float* k = (const float*)task->buffers[1] + b * p->k[0] + h / p->group * p->k[1];
        const float* v = (const float*)task->buffers[2] + b * p->v[0] + h / p->group * p->v[1];
        const void* mask = task->buffers[3];
        float *y = (float*)task->buffers[5] + b * p->y[0] + h * p->y[1] + s * p->y[2], max = -INFINITY, sum = 0;
        const int64_t first = b * p->mask[0] + h * p->mask[1] + s * p->mask[2];
        el_attention_seen(p, task->buffers[4], b, s, &lo, &hi);
        for (int64_t t = lo; t < hi; t++) {
            float dot = 0;
            for (int64_t i = 0; i < p->d; i++) dot += q[i] * k[t * p->k[2] + i];
            score[t] = p->scale * dot;
            if (p->softcap != 0) score[t] = p->softcap * tanhf(score[t] / p->softcap);
            if (mask && !p->mask_is_bool) score[t] += ((const float*)mask)[first + t * p->mask[3]];
            else if (mask && !((const uint8_t*)mask)[first + t * p->mask[3]]) score[t] = -INFINITY;
            if (score[t] > max) max = score[t];
        }
        if (max == -INFINITY && p->hidden_is_zero) max = 0;
        for (int64_t t = lo; t < hi; t++) sum += score[t] = expf(score[t] - max);
        for (int64_t i = 0; i < p->e; i++) {
            float total = 0;
            for (int64_t t = lo; t < hi; t++) total += score[t] * v[t * p->v[2] + i];
            y[i] = sum == 0 && (p->hidden_is_zero || lo == hi) ? 0 : total / sum;
        }
    }
}

void el_attention_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_attention_params* p = params;
    attention_task task = {p, buffers, ctx->scratch, (int64_t)(el_attention_thread_bytes(p) / sizeof(float))};
    el_parallel(ctx, (int64_t)p->batch * p->heads * p->s, 1, attention_rows, &task);
}
