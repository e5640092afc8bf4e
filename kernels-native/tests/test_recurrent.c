/* lstm_f32 and gru_f32 against the formulas of el_nn.h in double precision over plain weights. */
#include "test_harness.h"
#include "el_nn.h"

static double logistic(double x) { return 1 / (1 + exp(-x)); }

static void recurrent_case(el_recurrent_params p, int gates, int options) {
    int64_t T = p.steps, B = p.batch, H = p.hidden, D = p.directions, blocks = (H + 15) / 16, W = blocks * 16;
    size_t states = (size_t)(D * B * H), ys = (size_t)T * states;
    float *x = th_floats((size_t)(T * B * D * W * gates)), *r = th_floats((size_t)(D * gates * H * H));
    float *packed = th_alloc((size_t)(D * W * gates * H) * sizeof(float), 64), *candidate = NULL, *h0 = NULL, *c0 = NULL;
    th_fill_f32(r, (size_t)(D * gates * H * H), -0.4f, 0.4f); /* r[d][gate][to][from] */
    memset(packed, 0, (size_t)(D * W * gates * H) * sizeof(float));
    for (int64_t d = 0; d < D; d++)
        for (int64_t g = 0; g < gates; g++)
            for (int64_t j = 0; j < H; j++)
                for (int64_t k = 0; k < H; k++)
                    packed[(((d * blocks + j / 16) * H + k) * gates + g) * 16 + j % 16] = r[((d * gates + g) * H + j) * H + k];
    for (int64_t row = 0; row < T * B * D; row++)
        for (int64_t g = 0; g < gates; g++)
            for (int64_t j = 0; j < W; j++) x[((row * blocks + j / 16) * gates + g) * 16 + j % 16] = j < H ? th_float(-2, 2) : 0.0f;
    if (gates == 3 && options & 1) {
        candidate = th_floats((size_t)(D * W));
        for (int64_t i = 0; i < D * W; i++) candidate[i] = i % W < H ? th_float(-1, 1) : 0.0f;
    }
    if (options & 2) th_fill_f32(h0 = th_floats(states), states, -1, 1);
    if (gates == 4 && options & 4) th_fill_f32(c0 = th_floats(states), states, -1, 1);

    float *want = th_floats(ys), *want_h = th_floats(states), *want_c = th_floats(states);
    double h[128], next[128], c[128];
    for (int64_t d = 0; d < D; d++)
        for (int64_t b = 0; b < B; b++) {
            for (int64_t j = 0; j < H; j++) {
                h[j] = h0 ? h0[(d * B + b) * H + j] : 0;
                c[j] = c0 ? c0[(d * B + b) * H + j] : 0;
            }
            for (int64_t s = 0; s < T; s++) {
                int64_t t = d == 1 || p.backward ? T - 1 - s : s;
                for (int64_t j = 0; j < H; j++) {
                    double in[4], rec[4] = {0};
                    for (int g = 0; g < gates; g++) {
                        in[g] = x[((((t * B + b) * D + d) * blocks + j / 16) * gates + g) * 16 + j % 16];
                        for (int64_t k = 0; k < H; k++) rec[g] += h[k] * r[((d * gates + g) * H + j) * H + k];
                    }
                    if (gates == 4) {
                        c[j] = logistic(in[2] + rec[2]) * c[j] + logistic(in[0] + rec[0]) * tanh(in[3] + rec[3]);
                        if (p.cell_clip > 0) c[j] = fmin(fmax(c[j], -(double)p.cell_clip), p.cell_clip);
                        next[j] = logistic(in[1] + rec[1]) * tanh(c[j]);
                    } else {
                        double z = logistic(in[0] + rec[0]), reset = logistic(in[1] + rec[1]);
                        double n = tanh(in[2] + reset * (rec[2] + (candidate ? candidate[d * W + j] : 0)));
                        next[j] = (1 - z) * n + z * h[j];
                    }
                }
                for (int64_t j = 0; j < H; j++) want[((t * D + d) * B + b) * H + j] = (float)(h[j] = next[j]);
            }
            for (int64_t j = 0; j < H; j++) want_h[(d * B + b) * H + j] = (float)h[j], want_c[(d * B + b) * H + j] = (float)c[j];
        }

    const char* name = gates == 4 ? "lstm_f32" : "gru_f32";
    const el_kernel* k;
    for (uint32_t i = 0; (k = th_variant(name, i)); i++)
        for (int threads = 1; threads <= 2; threads++)
            for (int given = 0; given < 4; given++) { /* which outputs are wanted */
                float *y = given & 1 ? NULL : th_floats(ys), *last_h = given & 2 ? NULL : th_floats(states);
                float* last_c = given & 2 || gates == 3 ? NULL : th_floats(states);
                void* buffers[8] = {x, packed, candidate, h0, c0, y, last_h, last_c};
                th_run(k, &p, buffers, threads);
                char label[240];
                snprintf(label, sizeof label, "%s %s threads=%d steps %d batch %d hidden %d directions %d backward %d clip %g options %d", name,
                         el_isa_name(k->isa), threads, p.steps, p.batch, p.hidden, p.directions, p.backward, p.cell_clip, options);
                if (y) th_close_f32(label, y, want, ys, 2e-5f, 1e-5f);
                if (last_h) th_close_f32(label, last_h, want_h, states, 2e-5f, 1e-5f);
                if (last_c) th_close_f32(label, last_c, want_c, states, 2e-5f, 2e-5f);
                if (y) th_free(y);
                if (last_h) th_free(last_h);
                if (last_c) th_free(last_c);
            }
    th_free_all();
}

int main(void) {
    th_seed(3);
    for (int gates = 3; gates <= 4; gates++) {
        for (int i = 0; i < 30; i++)
            recurrent_case((el_recurrent_params){th_range(1, 9), th_range(1, 4), th_range(1, 50), th_range(1, 2), th_range(0, 1), i % 3 ? 0.0f : th_float(0.05f, 0.6f)}, gates, th_range(0, 7));
        recurrent_case((el_recurrent_params){5, 1, 128, 2, 0, 0.3f}, gates, 7);
        recurrent_case((el_recurrent_params){4, 3, 113, 2, 0, 0}, gates, 0);
    }
    return th_report("test_recurrent");
}
