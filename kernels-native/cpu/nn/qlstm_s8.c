#include "qlstm.h"
#include "el_fixed16.h"
#include "el_fixed_exp.h"

EL_KERNEL(qlstm_s8, scalar, el_qlstm_params)
EL_SCRATCH(qlstm_s8, el_qlstm_params)

size_t el_qlstm_s8__scratch(const void* params, int32_t threads) { return el_qlstm_scratch_bytes(params); }

/* 1 / sqrt(x) of a whole number x > 0 as multiplier and shift: five Newton steps with 3 integer bits (GetInvSqrtQuantizedMultiplierExp in
 * tensorflow/lite/kernels/internal/common.h). */
static int32_t inverse_root(int32_t x, int32_t* shift) {
    const int32_t one = 1 << 28, half_root_of_two = 1518500250;
    *shift = 0;
    if (x <= 1) return INT32_MAX;
    int32_t down = 11;
    for (; x >= 1 << 29; x /= 4) down++;
    const int32_t pairs = (el_fixed_leading_zeros((uint32_t)x) - 1) / 2 - 1;
    down -= pairs;
    const int32_t half = el_rounding_divide_by_pot((int32_t)((uint32_t)x << 2 * pairs) >> 1, 1);
    int32_t root = one;
    for (int i = 0; i < 5; i++) {
        int32_t cube = el_fixed_scale_up(el_fixed_multiply(el_fixed_multiply(root, root), root), 6);
        root = el_fixed_scale_up(el_fixed_add(el_fixed_multiply(one + one / 2, root), -el_fixed_multiply(half, cube)), 3);
    }
    root = el_fixed_multiply(root, half_root_of_two);
    if (down >= 0) *shift = -down;
    return down < 0 ? (int32_t)((uint32_t)root << -down) : root;
}

/* The cells' sums of gate g of i, f, g, o to mean 0 and variance 1 with 10 bits more, times weights plus bias, in Q3.12 (ApplyLayerNorm in
 * tensorflow/lite/kernels/internal/reference/portable_tensor_utils.cc). */
void el_qlstm_normalize(const el_qlstm* l, int32_t g) {
    const int32_t count = l->p->cells;
    int16_t* v = l->gate + g * l->width;
    const int16_t* weights = l->norm + (int64_t)(g - l->first) * count;
    const int32_t* bias = l->norm_bias + (int64_t)(g - l->first) * count;
    int64_t sum = 0, squares = 0;
    for (int32_t k = 0; k < count; k++) sum += v[k], squares += v[k] * v[k];
    const int32_t mean = (int32_t)(sum * 1024 / count), fraction = (1 << 20) / count;
    const int32_t variance = (int32_t)((squares * fraction - (int64_t)mean * mean) / (1 << 20));
    int32_t shift, inverse = inverse_root(variance < 1 ? l->p->guards[g] : variance, &shift);
    for (int32_t k = 0; k < count; k++) {
        const int32_t rescaled = el_requantize(1024 * v[k] - mean, inverse, shift);
        const int32_t weighted = (int32_t)((uint32_t)rescaled * (uint32_t)weights[k] + (uint32_t)bias[k]);
        const int32_t scaled = (int32_t)((weighted > 0 ? weighted + 512ll : weighted - 512ll) / 1024);
        v[k] = (int16_t)el_fixed16_saturate(el_requantize(scaled, l->multiplier[12 + g], l->shift[12 + g] + 12));
    }
}

/* One column of a matrix in panels with a row of x. */
static int32_t product(const int8_t* panels, int64_t quads, int64_t column, const int8_t* x, int64_t count, int32_t start) {
    const int8_t* w = panels + column / 16 * quads * 64 + column % 16 * 4;
    uint32_t sum = (uint32_t)start;
    for (int64_t k = 0; k < count; k++) sum += (uint32_t)(x[k] * w[k / 4 * 64 + k % 4]);
    return (int32_t)sum;
}

static int32_t scaled(const el_qlstm* l, int32_t row, int32_t g, int32_t sum) { return el_requantize(sum, l->multiplier[4 * row + g], l->shift[4 * row + g]); }

static void gate_of(const el_qlstm* l, int32_t g, const int8_t* x) {
    const el_qlstm_params* p = l->p;
    const int64_t at = g - l->first, panels = (p->cells + 15) / 16;
    int16_t* v = l->gate + g * l->width;
    for (int64_t k = 0; k < p->cells; k++) {
        const int32_t* b = l->bias + at * panels * 16 + k;
        int32_t sum = product(l->w + at * panels * l->quads_x * 64, l->quads_x, k, x, p->inputs, b[0]);
        int32_t recurrent = product(l->r + at * panels * l->quads_h * 64, l->quads_h, k, l->result, p->outputs, b[l->gates * panels * 16]);
        sum = el_fixed16_saturate(scaled(l, 0, g, sum));
        v[k] = (int16_t)el_fixed16_saturate((int32_t)((uint32_t)sum + (uint32_t)scaled(l, 1, g, recurrent)));
        if (l->peephole && g != 2) v[k] = (int16_t)el_fixed16_saturate((int32_t)((uint32_t)v[k] + (uint32_t)scaled(l, 2, g, l->weights_c[(g == 3 ? 2 : g) * l->width + k] * l->state[k])));
    }
    if (l->norm) el_qlstm_normalize(l, g);
    for (int64_t k = 0; k < p->cells; k++) v[k] = (int16_t)(g == 2 ? el_fixed16_tanh(v[k], 3) : el_fixed16_logistic(v[k], 3));
}

static void step(const el_qlstm* l, const int8_t* x) {
    const el_qlstm_params* p = l->p;
    const int16_t *f = l->gate + l->width, *g = f + l->width, *o = g + l->width;
    for (int32_t each = l->first; each < 3; each++) gate_of(l, each, x);
    for (int64_t k = 0; k < p->cells; k++) {
        int32_t i = p->coupled ? INT16_MAX - f[k] : l->gate[k];
        int32_t kept = el_rounding_divide_by_pot(f[k] * l->state[k], 15), added = el_rounding_divide_by_pot(i * g[k], 30 + p->cell_shift);
        l->state[k] = (int16_t)el_qlstm_clip(el_fixed16_saturate(kept + added), p->cell_clip);
    }
    gate_of(l, 3, x);
    for (int64_t k = 0; k < p->cells; k++) {
        int32_t v = el_requantize(o[k] * el_fixed16_tanh(l->state[k], 15 + p->cell_shift), p->hidden_multiplier, p->hidden_shift);
        (l->projection ? l->hidden : l->result)[k] = (int8_t)el_clamp_s8(v, p->y_zero, -128, 127);
    }
    if (!l->projection) return;
    for (int64_t k = 0; k < p->outputs; k++) {
        int32_t v = el_requantize(product(l->projection, l->quads_c, k, l->hidden, p->cells, l->projection_bias[k]), p->projection_multiplier, p->projection_shift);
        l->result[k] = (int8_t)el_qlstm_clip(el_clamp_s8(v, p->projection_zero, -128, 127), p->projection_clip);
    }
}

void el_qlstm_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qlstm_params* p = params;
    const el_qlstm l = el_qlstm_of(ctx, p, buffers);
    for (int64_t n = 0; n < p->batch; n++) {
        el_qlstm_begin(&l, n);
        for (int64_t t = 0; t < p->steps; t++) {
            int64_t row = el_qlstm_row(p, n, t);
            step(&l, l.x + row * p->inputs);
            memcpy(l.y + row * p->outputs, l.result, (size_t)p->outputs);
        }
        if (l.last_c) memcpy(l.last_c + n * p->cells, l.state, (size_t)p->cells * 2);
    }
}
