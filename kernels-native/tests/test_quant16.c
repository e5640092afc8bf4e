/* int16 activations with int8 weights (TFLite's 16x8 scheme): every variant of convolution, depthwise convolution and matrix product gives
 * the bits of sums over unpacked weights and of a rounding by division in 128 bits; so do the element-wise kernels. */
#include "test_harness.h"
#include "el_quant.h"

/* floor(sum * reduced / 2^(15 - shift) + 1/2), reduced being the upper 16 bits of the multiplier, rounded and at most 0x7fff */
static int64_t wide_requantize(int64_t sum, int32_t multiplier, int32_t shift) {
    int64_t reduced = ((int64_t)multiplier + 0x8000) / 0x10000;
    if (reduced > 0x7fff) reduced = 0x7fff;
    __int128 unit = (__int128)1 << (15 - shift), doubled = 2 * (__int128)sum * reduced + unit, quotient = doubled / (2 * unit);
    if (doubled % (2 * unit) < 0) quotient--;
    return (int64_t)quotient;
}

static int16_t clamp(int64_t v, int64_t lo, int64_t hi) { return (int16_t)(v < lo ? lo : v > hi ? hi : v); }

static void fill_s16(int16_t* x, size_t count, int extreme) {
    th_fill_bytes(x, count * 2);
    if (extreme)
        for (size_t i = 0; i < count; i++) x[i] = x[i] < 0 ? INT16_MIN : INT16_MAX;
}

static int32_t random_multiplier(void) {
    switch (th_range(0, 9)) {
        case 0: return 1 << 30;
        case 1: return INT32_MAX;
        case 2: return 0x7fff0000;
        case 3: return 0;
        default: return (1 << 30) + (int32_t)(th_u32() >> 2);
    }
}

static void run_variants(const char* name, const void* params, void** buffers, int output, size_t bytes, const void* want, const char* what) {
    const el_kernel* k;
    char label[320];
    for (uint32_t i = 0; (k = th_variant(name, i)); i++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            memset(buffers[output], 0x55, bytes);
            th_run(k, params, buffers, threads);
            snprintf(label, sizeof label, "%s %s, %d threads: %s", name, el_isa_name(k->isa), threads, what);
            th_same_bytes(label, buffers[output], want, bytes);
        }
}

enum { CONV, DEPTHWISE, GEMM };

static void layer_case(int kind, el_qconv_params p, int extreme) {
    int32_t taps = p.kh * p.kw, cin = p.c / p.groups, cout = p.oc / p.groups, panels = (cout + 15) / 16, quads = (cin + 3) / 4;
    size_t inputs = (size_t)(p.n * p.h * p.w) * (size_t)p.c, outputs = (size_t)(p.n * p.oh * p.ow) * (size_t)p.oc;
    size_t packed = kind == DEPTHWISE ? (size_t)(p.oc + 15) / 16 * 16 * (size_t)taps : (size_t)(p.groups * panels * taps * quads) * 64;
    int16_t *x = th_alloc(inputs * 2, 2), *y = th_alloc(outputs * 2, 2), *want = th_alloc(outputs * 2, 2);
    int8_t *w = th_alloc((size_t)(p.oc * taps * cin), 1), *b = th_alloc(packed, 64);
    int64_t* bias = th_alloc((size_t)p.oc * 8, 8);
    int32_t *wsum = th_alloc((size_t)p.oc * 4, 4), *multiplier = th_alloc((size_t)p.oc * 4, 4), *shift = th_alloc((size_t)p.oc * 4, 4);
    fill_s16(x, inputs, extreme);
    th_fill_bytes(w, (size_t)(p.oc * taps * cin));
    memset(b, 0, packed);
    const int far = th_range(0, 3) == 0; /* sums beyond what doubles compute exactly */
    int32_t bits = 0;
    while (bits < 30 && ldexp(20000, bits) < sqrt((double)taps * cin) * 1e6) bits++;
    for (int32_t o = 0; o < p.oc; o++) {
        bias[o] = !far || th_range(0, 3) ? th_range(0, 3) ? th_range(-100000, 100000) : (int64_t)(int32_t)th_u32() << th_range(0, 4) : (int64_t)(int32_t)th_u32() << th_range(0, 14);
        multiplier[o] = random_multiplier();
        shift[o] = th_range(0, 7) ? th_range(-1, 2) - bits : th_range(-31, 14);
        wsum[o] = 0;
        for (int32_t t = 0; t < taps; t++)
            for (int32_t ci = 0; ci < cin; ci++) {
                if (extreme) w[(o * taps + t) * cin + ci] = th_range(0, 1) ? 127 : -128;
                int8_t v = w[(o * taps + t) * cin + ci];
                wsum[o] += v;
                if (kind == DEPTHWISE) b[(o / 16 * taps + t) * 16 + o % 16] = v;
                else b[(((size_t)(o / cout * panels + o % cout / 16) * (size_t)taps + (size_t)t) * (size_t)quads + (size_t)ci / 4) * 64 + (size_t)(o % cout % 16 * 4 + ci % 4)] = v;
            }
    }
    int with_bias = th_range(0, 4) != 0;
    for (int32_t n = 0; n < p.n; n++)
        for (int32_t oy = 0; oy < p.oh; oy++)
            for (int32_t ox = 0; ox < p.ow; ox++)
                for (int32_t o = 0; o < p.oc; o++) {
                    int64_t acc = with_bias ? bias[o] : 0;
                    for (int32_t t = 0; t < taps; t++) {
                        int32_t iy = oy * p.stride_h - p.pad_top + t / p.kw * p.dilation_h, ix = ox * p.stride_w - p.pad_left + t % p.kw * p.dilation_w;
                        if (iy < 0 || iy >= p.h || ix < 0 || ix >= p.w) continue;
                        for (int32_t ci = 0; ci < cin; ci++) acc += (int64_t)x[((n * p.h + iy) * p.w + ix) * p.c + o / cout * cin + ci] * w[(o * taps + t) * cin + ci];
                    }
                    want[((n * p.oh + oy) * p.ow + ox) * p.oc + o] = clamp(wide_requantize(acc, multiplier[o], shift[o]) + p.y_zero, p.y_min, p.y_max);
                }
    char what[200];
    snprintf(what, sizeof what, "n%d %dx%dx%d -> %dx%dx%d k%dx%d s%d,%d d%d,%d pad %d,%d groups %d", p.n, p.h, p.w, p.c, p.oh, p.ow, p.oc, p.kh, p.kw,
             p.stride_h, p.stride_w, p.dilation_h, p.dilation_w, p.pad_top, p.pad_left, p.groups);
    void* buffers[] = {x, b, with_bias ? bias : NULL, wsum, multiplier, shift, y, NULL};
    el_qgemm_params gemm = {p.h, p.oc, p.c, 0, p.y_zero, p.y_min, p.y_max};
    static const char* const names[] = {"qconv_s16", "qdwconv_s16", "qgemm_s16"};
    run_variants(names[kind], kind == GEMM ? (void*)&gemm : (void*)&p, buffers, 6, outputs * 2, want, what);
    th_free_all();
}

static void random_layer(int kind) {
    el_qconv_params p = {.n = th_range(1, 2), .h = th_range(1, 9), .w = th_range(1, 9), .kh = th_range(1, 4), .kw = th_range(1, 4),
                         .stride_h = th_range(1, 3), .stride_w = th_range(1, 3), .dilation_h = th_range(1, 2), .dilation_w = th_range(1, 2),
                         .y_min = INT16_MIN, .y_max = INT16_MAX};
    if (th_range(0, 2) == 0) p.dilation_w = p.dilation_h = 1;
    if (th_range(0, 3) == 0) p.kh = p.kw = 1;
    p.groups = kind == DEPTHWISE ? th_range(1, 70) : th_range(0, 3) ? 1 : th_range(2, 4);
    p.c = kind == DEPTHWISE ? p.groups : p.groups * th_range(1, p.groups == 1 ? 37 : 9);
    p.oc = kind == DEPTHWISE ? p.groups : p.groups * th_range(1, p.groups == 1 ? 140 : 20);
    if (kind == GEMM) p = (el_qconv_params){.n = 1, .h = th_range(1, 60), .w = 1, .c = th_range(1, 300), .oc = th_range(1, 140), .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1, .y_min = INT16_MIN, .y_max = INT16_MAX};
    int32_t reach_h = (p.kh - 1) * p.dilation_h + 1, reach_w = (p.kw - 1) * p.dilation_w + 1;
    p.pad_top = kind == GEMM ? 0 : th_range(0, reach_h - 1), p.pad_left = kind == GEMM ? 0 : th_range(0, reach_w - 1);
    p.oh = (p.h + p.pad_top + th_range(0, reach_h) - reach_h) / p.stride_h + 1, p.ow = (p.w + p.pad_left + th_range(0, reach_w) - reach_w) / p.stride_w + 1;
    if (kind == GEMM) p.oh = p.h, p.ow = 1;
    if (p.oh < 1) p.oh = 1;
    if (p.ow < 1) p.ow = 1;
    if (th_range(0, 3) == 0) p.y_min = th_range(-3000, 0), p.y_max = th_range(0, 3000), p.y_zero = th_range(-9, 9);
    layer_case(kind, p, th_range(0, 3) == 0);
}

static void elementwise(int64_t count) {
    int64_t period = th_range(0, 1) ? count : th_range(1, 7);
    int16_t *a = th_alloc((size_t)count * 2, 2), *b = th_alloc((size_t)period * 2, 2), *y = th_alloc((size_t)count * 2, 2), *want = th_alloc((size_t)count * 2, 2);
    int16_t* table = th_alloc(513 * 2, 2);
    fill_s16(a, (size_t)count, 0), fill_s16(b, (size_t)period, 0), fill_s16(table, 513, th_range(0, 1));
    void *sum[] = {a, b, y}, *one[] = {a, y}, *looked[] = {a, table, y};

    el_qadd_params add = {count, count, period, 0, 0, 0, 15, random_multiplier(), th_range(-3, 0), random_multiplier(), th_range(-3, 0), random_multiplier(), th_range(-16, -12), INT16_MIN, INT16_MAX};
    for (int subtract = 0; subtract < 2; subtract++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t ra = el_requantize(a[i] * 32768, add.a_multiplier, add.a_shift), rb = el_requantize(b[i % period] * 32768, add.b_multiplier, add.b_shift);
            int64_t both = subtract ? ra - rb : ra + rb;
            want[i] = clamp(el_requantize((int32_t)(uint32_t)(uint64_t)both, add.y_multiplier, add.y_shift), INT16_MIN, INT16_MAX);
        }
        run_variants(subtract ? "qsub_s16" : "qadd_s16", &add, sum, 2, (size_t)count * 2, want, "");
    }
    el_qmul_params mul = {count, count, period, 0, 0, 0, random_multiplier(), th_range(-18, -12), INT16_MIN, INT16_MAX};
    for (int64_t i = 0; i < count; i++) want[i] = clamp(el_requantize(a[i] * b[i % period], mul.y_multiplier, mul.y_shift), INT16_MIN, INT16_MAX);
    run_variants("qmul_s16", &mul, sum, 2, (size_t)count * 2, want, "");
    el_requantize_params to = {count, 0, 0, random_multiplier(), th_range(-4, 3), INT16_MIN, INT16_MAX};
    for (int64_t i = 0; i < count; i++) want[i] = clamp(el_requantize(a[i], to.multiplier, to.shift), INT16_MIN, INT16_MAX);
    run_variants("requantize_s16", &to, one, 1, (size_t)count * 2, want, "");
    el_lut_params lut = {count};
    for (int64_t i = 0; i < count; i++) { /* the line through two entries, rounded halves up, by division */
        int32_t t = (a[i] + 32768) / 128, rest = (a[i] + 32768) % 128, slope = (table[t + 1] - table[t]) * rest, nearest = (2 * slope + 128) / 256;
        if ((2 * slope + 128) % 256 < 0) nearest--;
        want[i] = (int16_t)(table[t] + nearest);
    }
    run_variants("lut_s16", &lut, looked, 2, (size_t)count * 2, want, "");

    el_quantize_params q = {count, 0.37f, 0, INT16_MIN, INT16_MAX, 0};
    float *x = th_floats((size_t)count), *back = th_floats((size_t)count), *expected = th_floats((size_t)count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = i % 17 == 0 ? NAN : i % 13 == 0 ? 1e30f : i % 11 == 0 ? -INFINITY : (float)th_range(-40000, 40000) * 0.185f;
        want[i] = isnan(x[i]) ? 0 : clamp((int64_t)fmax(fmin(rint((double)(x[i] / q.scale)), 1e6), -1e6), INT16_MIN, INT16_MAX);
        expected[i] = (float)a[i] * q.scale;
    }
    void *narrowed[] = {x, y}, *widened[] = {a, back};
    run_variants("quantize_f32_s16", &q, narrowed, 1, (size_t)count * 2, want, "");
    run_variants("dequantize_s16_f32", &q, widened, 1, (size_t)count * 4, expected, "");
    th_free_all();
}

static void mean(int32_t n, int32_t hw, int32_t c) {
    el_qmean_params p = {n, hw, c, 0, 0, random_multiplier(), -(int32_t)log2(hw)};
    int16_t *x = th_alloc((size_t)(n * hw * c) * 2, 2), *y = th_alloc((size_t)(n * c) * 2, 2), *want = th_alloc((size_t)(n * c) * 2, 2);
    fill_s16(x, (size_t)(n * hw * c), n == 1);
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < c; j++) {
            int64_t sum = 0;
            for (int32_t k = 0; k < hw; k++) sum += x[(i * hw + k) * c + j];
            want[i * c + j] = clamp(el_requantize((int32_t)sum, p.multiplier, p.shift), INT16_MIN, INT16_MAX);
        }
    void* buffers[] = {x, y};
    run_variants("qmean_s16", &p, buffers, 1, (size_t)(n * c) * 2, want, "");
    th_free_all();
}

int main(void) {
    for (int i = 0; i < 200; i++) random_layer(CONV);
    for (int i = 0; i < 150; i++) random_layer(DEPTHWISE);
    for (int i = 0; i < 60; i++) random_layer(GEMM);
    layer_case(CONV, (el_qconv_params){1, 33, 35, 3, 17, 18, 24, 7, 7, 2, 2, 1, 1, 3, 3, 1, 0, 0, INT16_MIN, INT16_MAX}, 1);
    layer_case(CONV, (el_qconv_params){2, 14, 13, 32, 14, 13, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, 0, INT16_MIN, INT16_MAX}, 1);
    layer_case(GEMM, (el_qconv_params){1, 3, 1, 40000, 3, 1, 17, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, INT16_MIN, INT16_MAX}, 1);
    layer_case(DEPTHWISE, (el_qconv_params){1, 20, 21, 40, 20, 21, 40, 15, 15, 1, 1, 1, 1, 7, 7, 40, 0, 0, INT16_MIN, INT16_MAX}, 1);
    for (int i = 0; i < 40; i++) elementwise(th_range(1, 300));
    elementwise(20011);
    mean(1, 49, 33), mean(3, 5, 7), mean(1, 30000, 3);
    return th_report("test_quant16");
}
