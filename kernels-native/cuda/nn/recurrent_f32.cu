#include "el_cuda_math.h"

#define EL_RECURRENT_HIDDEN 1024

/* Block (row of the batch, direction) goes through all steps. A thread has unit j = its number and those `threads` further on; the state is
 * in shared memory, twice: units of the next are written while the last is read. Weights [block of 16 units][hidden][gate][16] stay
 * in the caches. */
template <int GATES>
EL_DEVICE void el_recurrent(const el_recurrent_params& p, const el_cuda_buffers& b) {
    EL_SHARED float state[2][EL_RECURRENT_HIDDEN], cell[EL_RECURRENT_HIDDEN];
    const int row = el_block_x(), d = el_block_y(), hidden = p.hidden, blocks = (hidden + EL_PANEL - 1) / EL_PANEL;
    const float *x = (const float*)b.p[0], *w = (const float*)b.p[1], *candidate = (const float*)b.p[2], *h0 = (const float*)b.p[3], *c0 = (const float*)b.p[4];
    float *y = (float*)b.p[5], *h = (float*)b.p[6], *c = (float*)b.p[7];
    const int64_t at = ((int64_t)d * p.batch + row) * hidden;
    for (int j = el_thread(); j < hidden; j += el_threads()) {
        state[0][j] = h0 ? h0[at + j] : 0.0f;
        cell[j] = GATES == 4 && c0 ? c0[at + j] : 0.0f;
    }
    el_barrier();
    for (int s = 0; s < p.steps; s++) {
        const float* last = state[s % 2];
        const int t = d == 1 || p.backward ? p.steps - 1 - s : s;
        for (int j = el_thread(); j < hidden; j += el_threads()) {
            const int block = j / EL_PANEL, lane = j % EL_PANEL;
            const float* in = x + ((((int64_t)t * p.batch + row) * p.directions + d) * blocks + block) * GATES * EL_PANEL + lane;
            const float* r = w + ((int64_t)d * blocks + block) * hidden * GATES * EL_PANEL + lane;
            float sums[GATES];
            EL_UNROLL for (int g = 0; g < GATES; g++) sums[g] = 0;
            for (int k = 0; k < hidden; k++)
                EL_UNROLL for (int g = 0; g < GATES; g++) sums[g] = el_fma(last[k], r[((int64_t)k * GATES + g) * EL_PANEL], sums[g]);
            float value;
            if (GATES == 4) {
                float i = el_sigmoid(sums[0] + in[0]), o = el_sigmoid(sums[1] + in[EL_PANEL]), f = el_sigmoid(sums[2] + in[2 * EL_PANEL]);
                cell[j] = f * cell[j] + i * el_tanh(sums[GATES - 1] + in[(GATES - 1) * EL_PANEL]);
                if (p.cell_clip > 0) cell[j] = el_clamp(cell[j], -p.cell_clip, p.cell_clip);
                value = o * el_tanh(cell[j]);
            } else {
                float z = el_sigmoid(sums[0] + in[0]), reset = el_sigmoid(sums[1] + in[EL_PANEL]);
                float n = el_tanh(in[2 * EL_PANEL] + reset * (sums[2] + (candidate ? candidate[(int64_t)d * blocks * EL_PANEL + j] : 0.0f)));
                value = n + z * (last[j] - n);
            }
            state[(s + 1) % 2][j] = value;
            if (y) y[(((int64_t)t * p.directions + d) * p.batch + row) * hidden + j] = value;
        }
        el_barrier();
    }
    for (int j = el_thread(); j < hidden; j += el_threads()) {
        if (h) h[at + j] = state[p.steps % 2][j];
        if (GATES == 4 && c) c[at + j] = cell[j];
    }
}

EL_CUDA_ENTRY(lstm_f32, el_recurrent_params, 512) { el_recurrent<4>(p, b); }
EL_CUDA_ENTRY(gru_f32, el_recurrent_params, 512) { el_recurrent<3>(p, b); }

static inline int el_recurrent_rule(const el_recurrent_params& p, el_cuda_launch* launches, const char* entry) {
    if (p.hidden > EL_RECURRENT_HIDDEN) return 0;
    int64_t threads = el_pieces(p.hidden, 32) * 32;
    return el_one(launches, entry, p.batch, p.directions, 1, threads < 512 ? (int)threads : 512);
}
EL_CUDA_LAUNCH(lstm_f32, el_recurrent_params) { return el_recurrent_rule(p, launches, "lstm_f32"); }
EL_CUDA_LAUNCH(gru_f32, el_recurrent_params) { return el_recurrent_rule(p, launches, "gru_f32"); }
