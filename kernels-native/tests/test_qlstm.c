/* qlstm_s8: every variant gives the bits of the scalar kernel, for all that the LSTM may have, over random numbers and those at the ends; the
 * scalar functions of 16 bits stay as near to the real ones as gemmlowp's do. TFLite's own interpreter is compared with in TfliteOracleTests. */
#include "test_harness.h"
#include "el_quant.h"
#include "../common/el_fixed16.h"

static int8_t* bytes(size_t count, int extreme) {
    int8_t* x = th_alloc(count, 1);
    for (size_t i = 0; i < count; i++) x[i] = (int8_t)(extreme ? (th_u32() & 1 ? -128 : 127) : th_range(-128, 127));
    return x;
}
static int16_t* shorts(size_t count, int extreme) {
    int16_t* x = th_alloc(count * 2, 2);
    for (size_t i = 0; i < count; i++) x[i] = (int16_t)(extreme ? (th_u32() & 1 ? INT16_MIN : INT16_MAX) : th_range(INT16_MIN, INT16_MAX));
    return x;
}
static int32_t* words(size_t count, int32_t most) {
    int32_t* x = th_alloc(count * 4, 4);
    for (size_t i = 0; i < count; i++) x[i] = th_range(-most, most);
    return x;
}

/* [groups][n][k] in panels, anything where the packing leaves zero being zero. */
static int8_t* panels(int64_t groups, int64_t n, int64_t k, int extreme) {
    int64_t depth = (k + 3) / 4, size = groups * ((n + 15) / 16) * depth * 64;
    int8_t* packed = th_alloc((size_t)size, 64);
    memset(packed, 0, (size_t)size);
    for (int64_t g = 0; g < groups; g++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < k; i++)
                packed[((g * ((n + 15) / 16) + j / 16) * depth + i / 4) * 64 + j % 16 * 4 + i % 4] = (int8_t)(extreme ? (th_u32() & 1 ? -128 : 127) : th_range(-127, 127));
    return packed;
}

enum { COUPLED = 1, PEEPHOLES = 2, NORM = 4, PROJECTION = 8, STATE = 16, TIME_MAJOR = 32, LAST = 64, EXTREME = 128 };

static int varied; /* cases whose results are not all the same */

static void lstm_case(int32_t steps, int32_t batch, int32_t inputs, int32_t cells, int32_t outputs, int options) {
    const int extreme = options & EXTREME ? 1 : 0, gates = options & COUPLED ? 3 : 4;
    if (!(options & PROJECTION)) outputs = cells;
    el_qlstm_params p = {steps, batch, inputs, cells, outputs, options & COUPLED, options & TIME_MAJOR ? 1 : 0, th_range(-15, -9), th_range(0, 2) ? 0 : th_range(1, 32767),
                         (1 << 30) + (int32_t)(th_u32() >> 2), extreme ? th_range(-31, 4) : th_range(-23, -21), th_range(-128, 128), th_range(-128, 127),
                         (1 << 30) + (int32_t)(th_u32() >> 2), th_range(-9, -5), th_range(-128, 127), th_range(0, 2) ? 0 : th_range(1, 127), {1, 3, 1, 2}};
    int64_t c16 = (cells + 15) / 16 * 16;
    int32_t* bias = words((size_t)(2 * gates * c16), extreme ? INT32_MAX / 2 : 9000);
    for (int64_t i = 0; i < 2 * gates * c16; i++)
        if (i % c16 >= cells) bias[i] = 0;
    int32_t *multiplier = th_alloc(64, 4), *shift = th_alloc(64, 4);
    for (int i = 0; i < 16; i++) {
        multiplier[i] = th_range(0, 30) ? (1 << 30) + (int32_t)(th_u32() >> 2) : 0;
        shift[i] = extreme ? th_range(-31, 30) : i < 8 ? th_range(-4, 1) : i < 12 ? th_range(-17, -13) : th_range(-20, -12);
        if (i >= 12 && shift[i] > 18) shift[i] = 18;
    }
    int8_t *x = bytes((size_t)(steps * batch * inputs), extreme), *w = panels(gates, cells, inputs, extreme), *r = panels(gates, cells, outputs, extreme);
    int16_t *h = NULL, *c = NULL, *peephole = NULL, *norm = NULL;
    int32_t *norm_bias = NULL, *projection_bias = NULL;
    int8_t* projection = NULL;
    if (options & STATE) h = shorts((size_t)(batch * outputs), 0), c = shorts((size_t)(batch * cells), extreme);
    if (options & PEEPHOLES) peephole = shorts((size_t)(3 * cells), extreme);
    if (options & NORM) norm = shorts((size_t)(gates * cells), extreme), norm_bias = words((size_t)(gates * cells), 3000000);
    if (options & PROJECTION) projection = panels(1, outputs, cells, extreme), projection_bias = words((size_t)outputs, 4000);
    size_t ys = (size_t)(steps * batch * outputs), states = (size_t)(batch * cells) * 2;
    int8_t *want = th_alloc(ys, 1), *y = th_alloc(ys, 1);
    int16_t *want_c = th_alloc(states, 2), *last_c = th_alloc(states, 2);
    void* buffers[] = {x, w, r, bias, multiplier, shift, h, c, peephole, norm, norm_bias, projection, projection_bias, want, want_c};
    th_run(th_variant("qlstm_s8", 0), &p, buffers, 1);
    int different = 0;
    for (size_t i = 1; i < ys; i++) different |= want[i] != want[0];
    varied += different;
    buffers[13] = y;
    const el_kernel* k;
    for (uint32_t i = 1; (k = th_variant("qlstm_s8", i)); i++)
        for (int threads = 1; threads <= 2; threads++) {
            char label[200];
            snprintf(label, sizeof label, "qlstm_s8 %s, %d threads, steps %d batch %d inputs %d cells %d outputs %d options %d", el_isa_name(k->isa), threads, steps, batch, inputs, cells, outputs, options);
            buffers[14] = options & LAST ? last_c : NULL;
            memset(y, 0x55, ys);
            th_run(k, &p, buffers, threads);
            th_same_bytes(label, y, want, ys);
            if (options & LAST) th_same_bytes(label, last_c, want_c, states);
        }
    th_free_all();
}

/* Every number through the functions of every variant, as what a gate has: one cell, W x = 0, the bias being the number. */
static void functions(void) {
    for (int32_t bits = 0; bits <= 6; bits++)
        for (int32_t a = INT16_MIN; a <= INT16_MAX; a++) {
            double real = ldexp(a, bits - 15), logistic = ldexp(el_fixed16_logistic(a, bits), -15), tangent = ldexp(el_fixed16_tanh(a, bits), -15);
            th_checks++;
            if (bits > 0 && fabs(logistic - 1 / (1 + exp(-real))) > 7 * 0x1p-15) th_fail("logistic(%g) is %g", real, logistic);
            if (fabs(tangent - tanh(real)) > 13 * 0x1p-15) th_fail("tanh(%g) is %g", real, tangent);
        }
}

/* Cell states from 0 on, and sums of a gate from `first` on, `next` apart, through the functions: cells that begin with them, weights 0. */
static void sweep(int32_t cell_shift, int32_t cells, int32_t batch, int32_t first, int32_t next) {
    el_qlstm_params p = {.steps = 1, .batch = batch, .inputs = 4, .cells = cells, .outputs = cells, .cell_shift = cell_shift, .hidden_multiplier = 1 << 30, .hidden_shift = -21, .guards = {1, 1, 1, 1}};
    const int32_t columns = (cells + 15) / 16 * 16;
    size_t size = (size_t)p.batch * cells;
    int8_t *x = bytes((size_t)p.batch * 4, 0), *w = th_alloc((size_t)columns * 16, 64), *r = th_alloc((size_t)4 * columns * cells, 64), *want = th_alloc(size, 1), *y = th_alloc(size, 1);
    memset(w, 0, (size_t)columns * 16), memset(r, 0, (size_t)4 * columns * cells);
    int32_t *bias = words((size_t)8 * columns, 0), multiplier[8], shift[8];
    int16_t *c = th_alloc(size * 2, 2), *want_c = th_alloc(size * 2, 2), *last_c = th_alloc(size * 2, 2);
    for (int i = 0; i < 8; i++) multiplier[i] = 1 << 30, shift[i] = 1;
    for (size_t i = 0; i < size; i++) c[i] = (int16_t)i;
    for (int32_t g = 0; g < 4; g++)
        for (int32_t k = 0; k < cells; k++) bias[g * columns + k] = (int16_t)((first + k * next + g * 5) ^ 0x8000);
    void* buffers[] = {x, w, r, bias, multiplier, shift, NULL, c, NULL, NULL, NULL, NULL, NULL, want, want_c};
    th_run(th_variant("qlstm_s8", 0), &p, buffers, 1);
    buffers[13] = y, buffers[14] = last_c;
    const el_kernel* k;
    for (uint32_t i = 1; (k = th_variant("qlstm_s8", i)); i++) {
        th_run(k, &p, buffers, 1);
        th_same_bytes("all states", last_c, want_c, size * 2);
        th_same_bytes("all outputs", y, want, size);
    }
    th_free_all();
}

int main(void) {
    th_seed(11);
    functions();
    for (int32_t cell_shift = -15; cell_shift <= -9; cell_shift += 2) {
        sweep(cell_shift, 4096, 16, 0, 16);
        sweep(cell_shift, 8, 1 << 13, 0, 16); /* all states of a few cells, then all sums of their gates */
    }
    for (int32_t first = 0; first < 1 << 16; first += 8) sweep(-11, 8, 1, first, 1);
    for (int i = 0; i < 600; i++) {
        int32_t cells = th_range(1, 70);
        lstm_case(th_range(1, 20), th_range(1, 3), th_range(1, 40), cells, th_range(1, cells), i < 128 ? i : th_range(0, 255));
    }
    lstm_case(33, 1, 28, 20, 20, 0);
    lstm_case(3, 1, 300, 300, 128, PROJECTION | LAST); /* by two threads */
    lstm_case(3, 1, 13, 271, 0, LAST);
    if (varied < 400) th_fail("only %d of 603 cases say something", varied);
    return th_report("test_qlstm");
}
