#include "el_act.h"
#include "recurrent.h"

EL_KERNEL(lstm_f32, scalar, el_recurrent_params)
EL_KERNEL(gru_f32, scalar, el_recurrent_params)
EL_SCRATCH(lstm_f32, el_recurrent_params)
EL_SCRATCH(gru_f32, el_recurrent_params)

size_t el_lstm_f32__scratch(const void* params, int32_t threads) { return el_recurrent_scratch_bytes(params); }
size_t el_gru_f32__scratch(const void* params, int32_t threads) { return el_recurrent_scratch_bytes(params); }

/* R h of one gate of unit j: w points to the block, gate and lane. */
static float product(const float* w, const float* h, int32_t hidden, int32_t gates) {
    float sum = 0;
    for (int32_t k = 0; k < hidden; k++) sum += h[k] * w[(int64_t)k * gates * EL_PANEL];
    return sum;
}

static void run(const el_ctx* ctx, const el_recurrent_params* p, void* const* buffers, int32_t gates) {
    const float *x = buffers[0], *w = buffers[1], *candidate = buffers[2];
    float *y = buffers[5], *h = ctx->scratch, *next = h + el_recurrent_state(p), *c = next + el_recurrent_state(p);
    int64_t blocks = el_recurrent_blocks(p), width = blocks * EL_PANEL;
    const float clip = el_recurrent_clip(p);
    el_recurrent_load(p, buffers[3], h);
    el_recurrent_load(p, gates == 4 ? buffers[4] : NULL, c);
    for (int64_t s = 0; s < p->steps; s++) {
        for (int64_t d = 0; d < p->directions; d++)
            for (int64_t b = 0; b < p->batch; b++)
                for (int64_t j = 0; j < p->hidden; j++) {
                    int64_t t = el_recurrent_time(p, d, s), at = (d * p->batch + b) * width, lane = j % EL_PANEL;
                    const float* in = x + (((t * p->batch + b) * p->directions + d) * blocks + j / EL_PANEL) * gates * EL_PANEL + lane;
                    const float* r = w + (d * blocks + j / EL_PANEL) * p->hidden * gates * EL_PANEL + lane;
                    float sum[4], value;
                    for (int32_t g = 0; g < gates; g++) sum[g] = product(r + g * EL_PANEL, h + at, p->hidden, gates);
                    if (gates == 4) {
                        for (int32_t g = 0; g < 4; g++) sum[g] += in[g * EL_PANEL];
                        float cell = el_sigmoidf(sum[2]) * c[at + j] + el_sigmoidf(sum[0]) * tanhf(sum[3]);
                        c[at + j] = cell < -clip ? -clip : cell > clip ? clip : cell;
                        value = el_sigmoidf(sum[1]) * tanhf(c[at + j]);
                    } else {
                        float z = el_sigmoidf(sum[0] + in[0]), reset = el_sigmoidf(sum[1] + in[EL_PANEL]);
                        float n = tanhf(in[2 * EL_PANEL] + reset * (sum[2] + (candidate ? candidate[d * width + j] : 0.0f)));
                        value = n + z * (h[at + j] - n);
                    }
                    next[at + j] = value;
                    if (y) y[((t * p->directions + d) * p->batch + b) * p->hidden + j] = value;
                }
        float* swap = h;
        h = next;
        next = swap;
    }
    el_recurrent_store(p, h, buffers[6]);
    if (gates == 4) el_recurrent_store(p, c, buffers[7]);
}

void el_lstm_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 4); }
void el_gru_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 3); }
