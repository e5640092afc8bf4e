#include "el_cuda_matrix.h"

#define EL_RECURRENT_HIDDEN 1024

/* The state of a unit after a step. sums: what the state before (last) gives the gates; in: what the input gives them; candidate: the recurrent bias of
 * gate h; cell: that of the unit, left as it is after the step. */
template <int GATES, float (*SIGMOID)(float), float (*TANH)(float)>
EL_DEVICE float el_recurrent_unit(const el_recurrent_params& p, const float* sums, const float* in, float candidate, float last, float& cell) {
    if (GATES == 4) {
        const float i = SIGMOID(sums[0] + in[0]), o = SIGMOID(sums[1] + in[1]), f = SIGMOID(sums[2] + in[2]);
        cell = f * cell + i * TANH(sums[GATES - 1] + in[GATES - 1]);
        if (p.cell_clip > 0) cell = el_clamp(cell, -p.cell_clip, p.cell_clip);
        return o * TANH(cell);
    }
    const float z = SIGMOID(sums[0] + in[0]), reset = SIGMOID(sums[1] + in[1]), n = TANH(in[2] + reset * (sums[2] + candidate));
    return n + z * (last - n);
}

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
            const float* from = x + ((((int64_t)t * p.batch + row) * p.directions + d) * blocks + block) * GATES * EL_PANEL + lane;
            const float* r = w + ((int64_t)d * blocks + block) * hidden * GATES * EL_PANEL + lane;
            float sums[GATES], in[GATES];
            EL_UNROLL for (int g = 0; g < GATES; g++) sums[g] = 0, in[g] = from[g * EL_PANEL];
            for (int k = 0; k < hidden; k++)
                EL_UNROLL for (int g = 0; g < GATES; g++) sums[g] = el_fma(last[k], r[((int64_t)k * GATES + g) * EL_PANEL], sums[g]);
            const float value = el_recurrent_unit<GATES, el_sigmoid, el_tanh>(p, sums, in, GATES == 3 && candidate ? candidate[(int64_t)d * blocks * EL_PANEL + j] : 0.0f, last[j], cell[j]);
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

/* Gates, weights and states in float16, cells and sums in float32, by matrix instructions. Block (16 rows of the batch, direction) goes through all
 * steps; a warp has every `warps`-th block of 16 units with all their gates. Its weights come to shared memory of its own, 16 rows of k at a time, in
 * one stream that neither the end of a block of units nor that of a step interrupts. The state is there twice, as above. Cells are in scratch[direction][batch][16 units]. */
#define EL_RECURRENT_ROWS 16
#define EL_RECURRENT_STAGES 4
#define EL_RECURRENT_WARPS 8
#define EL_RECURRENT_STAGE (16 * 128) /* bytes of 16 rows of k, of which GRU leaves a quarter free */

/* Halves from a row of the state to the next: eight rows meet different banks. */
EL_HOST_DEVICE int el_recurrent_pitch(int hidden) { return (hidden + 15) / 16 * 16 + 8; }

template <int GATES>
EL_DEVICE void el_recurrent_half(const el_recurrent_params& p, const el_cuda_buffers& b) {
    const int lane = el_thread() % 32, warp = el_thread() / 32, warps = el_threads() / 32, d = el_block_y(), row0 = el_block_x() * EL_RECURRENT_ROWS, hidden = p.hidden;
    const int blocks = (hidden + EL_PANEL - 1) / EL_PANEL, pitch = el_recurrent_pitch(hidden), depth = blocks; /* steps of k */
    const el_half *x = (const el_half*)b.p[0], *h0 = (const el_half*)b.p[3];
    const char* w = (const char*)b.p[1] + (int64_t)d * blocks * hidden * GATES * EL_PANEL * 2;
    const float *candidate = (const float*)b.p[2], *c0 = (const float*)b.p[4];
    el_half *y = (el_half*)b.p[5], *h = (el_half*)b.p[6], *state = (el_half*)el_dynamic_shared();
    float *c = (float*)b.p[7], *cells = (float*)b.scratch;
    char* const stages = el_dynamic_shared() + 2 * EL_RECURRENT_ROWS * pitch * 2 + warp * EL_RECURRENT_STAGES * EL_RECURRENT_STAGE;
    const el_shared store = el_shared_of(stages), states = el_shared_of(state);

    for (int i = el_thread(); i < 2 * EL_RECURRENT_ROWS * pitch; i += el_threads()) {
        const int row = row0 + i / pitch, j = i % pitch;
        state[i].bits = h0 && i < EL_RECURRENT_ROWS * pitch && row < p.batch && j < hidden ? h0[((int64_t)d * p.batch + row) * hidden + j].bits : 0;
    }
    /* Units 2t, 2t+1 of each eight of a block, rows g and g+8: those of a lane. */
    auto each = [&](int block, auto&& visit) __attribute__((always_inline)) {
        EL_UNROLL for (int i = 0; i < 8; i++) {
            const int row = row0 + lane / 4 + i / 2 % 2 * 8, j = block * EL_PANEL + i / 4 * 8 + lane % 4 * 2 + i % 2;
            if (row < p.batch && j < hidden) visit(i, row, j, ((int64_t)d * p.batch + row) * hidden + j);
        }
    };
    auto cell_of = [&](int row, int j) { return cells + ((int64_t)d * p.batch + row) * blocks * EL_PANEL + j; };
    if (GATES == 4)
        for (int block = warp; block < blocks; block += warps) each(block, [&](int, int row, int j, int64_t at) { *cell_of(row, j) = c0 ? c0[at] : 0.0f; });

    /* Chunk c of a row of k lies where eight rows meet different banks. */
    int fetch_block = warp, fetch_k = 0, written = 0, read = 0;
    auto fetch = [&]() __attribute__((always_inline)) {
        EL_UNROLL for (int i = 0; i < GATES; i++) {
            const int chunk = lane + i * 32, row = chunk / (2 * GATES), at = chunk % (2 * GATES), to = written + (row * 8 + (at ^ (row & 7))) * 16;
            el_copy_async(store + to, w + (((int64_t)fetch_block * hidden + fetch_k * 16) * 2 * GATES + chunk) * 16, fetch_k * 16 + row < hidden);
        }
        el_commit_copies();
        written = written == (EL_RECURRENT_STAGES - 1) * EL_RECURRENT_STAGE ? 0 : written + EL_RECURRENT_STAGE;
        if (++fetch_k < depth) return;
        fetch_k = 0;
        fetch_block = fetch_block + warps < blocks ? fetch_block + warps : warp;
    };
    EL_ROLLED for (int i = 1; i < EL_RECURRENT_STAGES; i++) fetch();
    el_barrier();

    EL_ROLLED for (int s = 0; s < p.steps; s++) {
        const int last = s % 2 * EL_RECURRENT_ROWS * pitch, next = EL_RECURRENT_ROWS * pitch - last, t = d == 1 || p.backward ? p.steps - 1 - s : s;
        EL_ROLLED for (int block = warp; block < blocks; block += warps) {
            /* What the gates get from the input, and cells, are read while the products go on. */
            unsigned in[GATES][4];
            float cell[8];
            EL_UNROLL for (int i = 0; i < 4; i++) {
                const int row = row0 + lane / 4 + i % 2 * 8;
                const el_half* from = x + ((((int64_t)t * p.batch + row) * p.directions + d) * blocks + block) * GATES * EL_PANEL + i / 2 * 8 + lane % 4 * 2;
                EL_UNROLL for (int g = 0; g < GATES; g++) in[g][i] = row < p.batch ? *(const unsigned*)(from + g * EL_PANEL) : 0;
            }
            EL_UNROLL for (int i = 0; i < 8; i++) cell[i] = 0;
            if (GATES == 4) each(block, [&](int i, int row, int j, int64_t) { cell[i] = *cell_of(row, j); });
            float sums[GATES][2][4];
            EL_UNROLL for (int g = 0; g < GATES; g++)
                EL_UNROLL for (int i = 0; i < 8; i++) sums[g][i / 4][i % 4] = 0;
            EL_ROLLED for (int k = 0; k < depth; k++) {
                el_await_copies<EL_RECURRENT_STAGES - 2>();
                el_warp_barrier();
                unsigned left[4], right[GATES][4];
                el_load_matrices(states + (last + lane % 16 * pitch + k * 16 + lane / 16 * 8) * 2, left);
                EL_UNROLL for (int g = 0; g < GATES; g++) el_load_matrices_transposed(store + read + (lane % 16 * 8 + ((g * 2 + lane / 16) ^ (lane & 7))) * 16, right[g]);
                fetch();
                EL_UNROLL for (int g = 0; g < GATES; g++) {
                    el_matrix_multiply(left, right[g], sums[g][0]);
                    el_matrix_multiply(left, right[g] + 2, sums[g][1]);
                }
                read = read == (EL_RECURRENT_STAGES - 1) * EL_RECURRENT_STAGE ? 0 : read + EL_RECURRENT_STAGE;
            }
            each(block, [&](int i, int row, int j, int64_t at) {
                float of_state[GATES], of_input[GATES];
                EL_UNROLL for (int g = 0; g < GATES; g++) {
                    of_state[g] = sums[g][i / 4][i % 4];
                    of_input[g] = el_from_half(in[g][i / 4 * 2 + i / 2 % 2] >> i % 2 * 16 & 0xffffu);
                }
                const int place = (row - row0) * pitch + j;
                const float value = el_recurrent_unit<GATES, el_sigmoid_roughly, el_tanh_roughly>(p, of_state, of_input, GATES == 3 && candidate ? candidate[(int64_t)d * blocks * EL_PANEL + j] : 0.0f,
                    el_value(state[last + place]), cell[i]);
                el_keep(state[next + place], value);
                if (GATES == 4) *cell_of(row, j) = cell[i];
                if (y) el_keep(y[(((int64_t)t * p.directions + d) * p.batch + row) * hidden + j], value);
                if (s < p.steps - 1) return;
                if (h) el_keep(h[at], value);
                if (GATES == 4 && c) c[at] = cell[i];
            });
        }
        el_barrier();
    }
    el_await_copies<0>();
}

EL_CUDA_ENTRY(lstm_f16, el_recurrent_params) { EL_FROM_80(el_recurrent_half<4>(p, b)); }
EL_CUDA_ENTRY(gru_f16, el_recurrent_params) { EL_FROM_80(el_recurrent_half<3>(p, b)); }

static inline int el_recurrent_rule(const el_recurrent_params& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry, const char* half) {
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH && p.steps > 0) {
        const int64_t blocks = el_pieces(p.hidden, EL_PANEL), warps = blocks < EL_RECURRENT_WARPS ? blocks : EL_RECURRENT_WARPS;
        const int64_t shared = 2 * EL_RECURRENT_ROWS * 2 * (int64_t)el_recurrent_pitch(p.hidden) + warps * EL_RECURRENT_STAGES * EL_RECURRENT_STAGE;
        if (shared > device.shared_bytes) return 0;
        const int count = el_one(launches, half, el_pieces(p.batch, EL_RECURRENT_ROWS), p.directions, 1, (int)warps * 32, (uint64_t)(p.directions * blocks * p.batch) * EL_PANEL * 4);
        launches[0].shared_bytes = (uint32_t)shared;
        return el_in_half(count, launches, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6);
    }
    if (p.hidden > EL_RECURRENT_HIDDEN) return 0;
    int64_t threads = el_pieces(p.hidden, 32) * 32;
    return el_one(launches, entry, p.batch, p.directions, 1, threads < 512 ? (int)threads : 512);
}
EL_CUDA_LAUNCH(lstm_f32, el_recurrent_params) { return el_recurrent_rule(p, device, launches, "lstm_f32", "lstm_f16"); }
EL_CUDA_LAUNCH(gru_f32, el_recurrent_params) { return el_recurrent_rule(p, device, launches, "gru_f32", "gru_f16"); }
