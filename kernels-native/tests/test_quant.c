/* Every variant of the int8 convolutions and matrix products gives the bits of the scalar kernel, which gives the bits of
 * a plain reference over unpacked weights with its own wide-integer requantization: one rounding for convolution and matrix
 * product, two for the others. */
#include "test_harness.h"
#include "el_quant.h"

/* round half up of acc*m/2^31, then round half away from zero of that over 2^right: by division with remainder, no shifts */
static int32_t wide_requantize(int32_t acc, int32_t m, int32_t shift) {
    int64_t a = acc;
    for (int32_t i = 0; i < shift; i++) {
        a *= 2;
        if (a > INT32_MAX) a -= 1ll << 32;
        else if (a < INT32_MIN) a += 1ll << 32;
    }
    __int128 product = (__int128)a * m, unit = 2147483648u;
    __int128 doubled = 2 * product + unit, quotient = doubled / (2 * unit);
    if (doubled % (2 * unit) < 0) quotient--;
    if (quotient > INT32_MAX) quotient = INT32_MAX;
    if (shift >= 0) return (int32_t)quotient;
    __int128 d = (__int128)1 << -shift, magnitude = quotient < 0 ? -quotient : quotient;
    __int128 rounded = (2 * magnitude + d) / (2 * d);
    return (int32_t)(quotient < 0 ? -rounded : rounded);
}

/* floor(acc * m * 2^shift / 2^31 + 1/2) in 128 bits, saturated */
static int32_t wide_requantize_once(int32_t acc, int32_t m, int32_t shift) {
    __int128 product = (__int128)acc * m, unit = 2147483648u;
    if (shift > 0) product *= (__int128)1 << shift;
    else unit *= (__int128)1 << -shift;
    __int128 doubled = 2 * product + unit, quotient = doubled / (2 * unit);
    if (doubled % (2 * unit) < 0) quotient--;
    return (int32_t)(quotient > INT32_MAX ? INT32_MAX : quotient < INT32_MIN ? INT32_MIN : quotient);
}

static int32_t random_multiplier(void) {
    switch (th_range(0, 9)) {
        case 0: return 1 << 30;
        case 1: return INT32_MAX;
        case 2: return 0;
        default: return (1 << 30) + (int32_t)(th_u32() >> 2);
    }
}

static void test_requantize(void) {
    static const int32_t values[] = {0, 1, -1, 2, -2, 3, -3, INT32_MAX, INT32_MIN, INT32_MIN + 1, INT32_MAX - 1, 1 << 30, -(1 << 30), 12345678, -12345678};
    static const int32_t multipliers[] = {1 << 30, INT32_MAX, (1 << 30) + 1, 0, 1518500250, -(1 << 30), -INT32_MAX, INT32_MIN};
    int count = (int)(sizeof values / sizeof *values);
    for (int32_t shift = -31; shift <= 30; shift++)
        for (int i = 0; i < count + 400; i++)
            for (int j = 0; j < 10; j++) {
                int32_t acc = i < count ? values[i] : i % 3 ? (int32_t)th_u32() >> th_range(0, 31) : (th_range(-40, 40) * 2 + 1) * (1 << th_range(0, 24));
                int32_t m = j < 8 ? multipliers[j] : random_multiplier();
                int32_t got = el_requantize(acc, m, shift), want = wide_requantize(acc, m, shift);
                th_checks++;
                if (got != want) th_fail("el_requantize(%d, %d, %d) = %d, expected %d", acc, m, shift, got, want);
                got = el_requantize_once(acc, m, shift), want = wide_requantize_once(acc, m, shift);
                th_checks++;
                if (got != want) th_fail("el_requantize_once(%d, %d, %d) = %d, expected %d", acc, m, shift, got, want);
            }
}

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

static int32_t ceil16(int32_t n) { return (n + 15) / 16 * 16; }

/* extreme: only -128 and 127 */
static void fill_s8(int8_t* x, size_t count, int extreme) {
    th_fill_bytes(x, count);
    if (extreme)
        for (size_t i = 0; i < count; i++) x[i] = x[i] < 0 ? -128 : 127;
}

/* `multiplier` made such that multiplier * 2^(shift - 15) is an integer of 24 bits, shift >= -15: factors of layers whose end rounds nothing on the way */
static int32_t whole_multiplier(int32_t multiplier, int32_t shift) {
    const int32_t lost = 15 - shift > 7 ? 15 - shift : 7;
    return multiplier & -(1 << lost);
}

typedef struct channel_data {
    int32_t *bias, *wsum, *multiplier, *shift;
} channel_data;

/* `size`: typical magnitude of a sum of products, so that most results are not clamped */
static channel_data random_channels(int32_t oc, double size, int wild) {
    channel_data d = {th_alloc((size_t)oc * 4, 4), th_alloc((size_t)oc * 4, 4), th_alloc((size_t)oc * 4, 4), th_alloc((size_t)oc * 4, 4)};
    int32_t bits = 0;
    while (bits < 30 && ldexp(100, bits) < size) bits++;
    const int whole = bits <= 14 && th_range(0, 1);
    for (int32_t o = 0; o < oc; o++) {
        d.bias[o] = wild && th_range(0, 3) == 0 ? (int32_t)th_u32() : th_range(-1000, 1000);
        d.multiplier[o] = random_multiplier();
        d.shift[o] = wild ? th_range(-31, th_range(0, 2) ? 10 : 30) : -bits + th_range(-1, 2);
        if (whole && d.shift[o] < -15) d.shift[o] = -15;
        if (whole) d.multiplier[o] = whole_multiplier(d.multiplier[o], d.shift[o]);
    }
    return d;
}

static void pack_panels(const int8_t* w, int8_t* packed, int32_t taps, int32_t cin, int32_t oc, int32_t groups, int32_t* wsum) {
    int32_t cout = oc / groups, quads = (cin + 3) / 4;
    for (int32_t o = 0; o < oc; o++) {
        wsum[o] = 0;
        for (int32_t t = 0; t < taps; t++)
            for (int32_t ci = 0; ci < cin; ci++) {
                int32_t g = o / cout, j = o % cout, q = t * quads + ci / 4;
                int8_t v = w[((size_t)o * (size_t)taps + (size_t)t) * (size_t)cin + (size_t)ci];
                wsum[o] += v;
                packed[(((size_t)g * (size_t)ceil16(cout) / 16 + (size_t)j / 16) * (size_t)(taps * quads) + (size_t)q) * 64 + (size_t)(j % 16 * 4 + ci % 4)] = v;
            }
    }
}

static void random_output_range(int32_t* zero, int32_t* lo, int32_t* hi) {
    static const int32_t ends[] = {-128, 127, 0};
    *zero = th_range(0, 2) ? th_range(-128, 127) : ends[th_range(0, 2)];
    *lo = th_range(0, 1) ? -128 : th_range(-128, 0);
    *hi = th_range(0, 1) ? 127 : th_range(0, 127);
}

static int32_t random_zero(void) {
    int32_t k = th_range(0, 4);
    return k == 0 ? -128 : k == 1 ? 127 : k == 2 ? 0 : th_range(-128, 127);
}

static void run_variants(const char* name, const void* params, void** buffers, int output, size_t bytes, const int8_t* want, const char* what) {
    const el_kernel* k = th_variant(name, 0);
    char label[320];
    const size_t kept_bytes = el_kernel_kept(k, params);
    void* kept = kept_bytes ? memset(th_alloc(kept_bytes, 64), 0, kept_bytes) : NULL;
    for (uint32_t i = 0; (k = th_variant(name, i)); i++)
        for (int32_t threads = 1; threads <= 2; threads++)
            for (int keeps = 0; keeps <= (kept != NULL); keeps++) { /* what one variant kept, the next one finds */
                memset(buffers[output], 0x55, bytes);
                th_run_keeping(k, params, buffers, threads, keeps ? kept : NULL);
                snprintf(label, sizeof label, "%s %s, %d threads%s: %s", name, el_isa_name(k->isa), threads, keeps ? ", keeping" : "", what);
                th_same_bytes(label, buffers[output], want, bytes);
            }
}

/* kind: 0 convolution, 1 transposed, 2 depthwise */
static void conv_case(int kind, el_qconv_params p, int extreme, int wild) {
    int32_t taps = p.kh * p.kw, cin = p.c / p.groups, cout = p.oc / p.groups;
    size_t inputs = (size_t)p.n * (size_t)p.h * (size_t)p.w * (size_t)p.c, outputs = (size_t)p.n * (size_t)p.oh * (size_t)p.ow * (size_t)p.oc;
    size_t weights = (size_t)p.oc * (size_t)taps * (size_t)cin;
    size_t packed = kind == 2 ? (size_t)ceil16(p.oc) * (size_t)taps
                              : (size_t)p.groups * (size_t)ceil16(cout) * (size_t)taps * (size_t)((cin + 3) / 4 * 4);
    int8_t* x = th_alloc(inputs, 1);
    int8_t* w = th_alloc(weights, 1);
    int8_t* b = th_alloc(packed, 64);
    int8_t* y = th_alloc(outputs, 1);
    int8_t* want = th_alloc(outputs, 1);
    fill_s8(x, inputs, extreme);
    fill_s8(w, weights, extreme);
    memset(b, 0, packed);
    channel_data d = random_channels(p.oc, sqrt((double)taps * cin) * (extreme ? 16000 : 5000), wild);
    if (kind == 2) {
        for (int32_t o = 0; o < p.oc; o++) {
            d.wsum[o] = 0;
            for (int32_t t = 0; t < taps; t++) {
                d.wsum[o] += w[o * taps + t];
                b[(o / 16 * taps + t) * 16 + o % 16] = w[o * taps + t];
            }
        }
    } else {
        pack_panels(w, b, taps, cin, p.oc, p.groups, d.wsum);
    }
    int with_bias = th_range(0, 4) != 0;

    for (int32_t n = 0; n < p.n; n++)
        for (int32_t oy = 0; oy < p.oh; oy++)
            for (int32_t ox = 0; ox < p.ow; ox++)
                for (int32_t o = 0; o < p.oc; o++) {
                    int64_t acc = with_bias ? d.bias[o] : 0;
                    for (int32_t iy = 0; iy < p.h; iy++)
                        for (int32_t ix = 0; ix < p.w; ix++) {
                            int32_t dy = kind == 1 ? oy + p.pad_top - iy * p.stride_h : iy + p.pad_top - oy * p.stride_h;
                            int32_t dx = kind == 1 ? ox + p.pad_left - ix * p.stride_w : ix + p.pad_left - ox * p.stride_w;
                            if (dy < 0 || dx < 0 || dy % p.dilation_h || dx % p.dilation_w) continue;
                            int32_t ky = dy / p.dilation_h, kx = dx / p.dilation_w;
                            if (ky >= p.kh || kx >= p.kw) continue;
                            for (int32_t ci = 0; ci < cin; ci++)
                                acc += (int64_t)(x[((n * p.h + iy) * p.w + ix) * p.c + o / cout * cin + ci] - p.x_zero) *
                                       w[(o * taps + ky * p.kw + kx) * cin + ci];
                        }
                    int32_t sum = (int32_t)(uint32_t)(uint64_t)acc;
                    int64_t v = (int64_t)(kind == 0 ? wide_requantize_once : wide_requantize)(sum, d.multiplier[o], d.shift[o]) + p.y_zero;
                    want[((n * p.oh + oy) * p.ow + ox) * p.oc + o] = (int8_t)(v < p.y_min ? p.y_min : v > p.y_max ? p.y_max : v);
                }
    static const char* const names[] = {"qconv_s8", "qconv_transpose_s8", "qdwconv_s8"};
    char what[200];
    snprintf(what, sizeof what, "n%d %dx%dx%d -> %dx%dx%d k%dx%d s%d,%d d%d,%d pad %d,%d groups %d zero %d", p.n, p.h, p.w, p.c, p.oh,
             p.ow, p.oc, p.kh, p.kw, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w, p.pad_top, p.pad_left, p.groups, p.x_zero);
    void* buffers[] = {x, b, with_bias ? d.bias : NULL, d.wsum, d.multiplier, d.shift, y, NULL};
    run_variants(names[kind], &p, buffers, 6, outputs, want, what);
    th_free_all();
}

static void random_conv(int kind) {
    el_qconv_params p = {.n = th_range(1, 2), .h = th_range(1, 9), .w = th_range(1, 9), .kh = th_range(1, 4), .kw = th_range(1, 4),
                         .stride_h = th_range(1, 3), .stride_w = th_range(1, 3), .dilation_h = th_range(1, 2), .dilation_w = th_range(1, 2)};
    if (th_range(0, 2) == 0) p.dilation_w = p.dilation_h = 1;
    if (kind == 2 && th_range(0, 1)) {
        p.kh = p.kw = 3;
        p.dilation_w = p.dilation_h = 1;
        p.stride_w = p.stride_h = th_range(1, 2);
        p.w = th_range(1, 20);
    }
    p.groups = kind == 2 ? th_range(1, 150) : th_range(0, 3) ? 1 : th_range(2, 5);
    int32_t limit = p.groups == 1 ? 37 : 9;
    p.c = kind == 2 ? p.groups : p.groups * th_range(1, limit);
    p.oc = kind == 2 ? p.groups : p.groups * th_range(1, p.groups == 1 ? 140 : 20);
    if (kind != 2 && p.groups == 1 && th_range(0, 2)) p.oc = th_range(1, 70);
    if (th_range(0, 3) == 0) p.kh = p.kw = 1;
    int32_t reach_h = (p.kh - 1) * p.dilation_h + 1, reach_w = (p.kw - 1) * p.dilation_w + 1;
    p.pad_top = th_range(0, reach_h - 1);
    p.pad_left = th_range(0, reach_w - 1);
    if (kind == 1) {
        p.oh = (p.h - 1) * p.stride_h + reach_h - p.pad_top + th_range(-1, 1);
        p.ow = (p.w - 1) * p.stride_w + reach_w - p.pad_left + th_range(-1, 1);
    } else {
        p.oh = (p.h + p.pad_top + th_range(0, reach_h) - reach_h) / p.stride_h + 1;
        p.ow = (p.w + p.pad_left + th_range(0, reach_w) - reach_w) / p.stride_w + 1;
    }
    if (p.oh < 1) p.oh = 1;
    if (p.ow < 1) p.ow = 1;
    p.x_zero = random_zero();
    random_output_range(&p.y_zero, &p.y_min, &p.y_max);
    conv_case(kind, p, th_range(0, 3) == 0, th_range(0, 3) == 0);
}

static void gemm_case(int32_t m, int32_t n, int32_t k, int extreme, int wild) {
    el_qgemm_params p = {.m = m, .n = n, .k = k, .x_zero = random_zero()};
    random_output_range(&p.y_zero, &p.y_min, &p.y_max);
    size_t packed = (size_t)ceil16(n) * (size_t)((k + 3) / 4 * 4);
    int8_t* x = th_alloc((size_t)m * (size_t)k, 1);
    int8_t* w = th_alloc((size_t)n * (size_t)k, 1);
    int8_t* b = th_alloc(packed, 64);
    int8_t* y = th_alloc((size_t)m * (size_t)n, 1);
    int8_t* want = th_alloc((size_t)m * (size_t)n, 1);
    fill_s8(x, (size_t)m * (size_t)k, extreme);
    fill_s8(w, (size_t)n * (size_t)k, extreme);
    memset(b, 0, packed);
    channel_data d = random_channels(n, sqrt(k) * (extreme ? 16000 : 5000), wild);
    pack_panels(w, b, 1, k, n, 1, d.wsum);
    for (int32_t i = 0; i < m; i++)
        for (int32_t j = 0; j < n; j++) {
            int64_t acc = d.bias[j];
            for (int32_t l = 0; l < k; l++) acc += (int64_t)(x[i * k + l] - p.x_zero) * w[j * k + l];
            int64_t v = (int64_t)wide_requantize_once((int32_t)(uint32_t)(uint64_t)acc, d.multiplier[j], d.shift[j]) + p.y_zero;
            want[i * n + j] = (int8_t)(v < p.y_min ? p.y_min : v > p.y_max ? p.y_max : v);
        }
    char what[80];
    snprintf(what, sizeof what, "m%d n%d k%d zero %d", m, n, k, p.x_zero);
    void* buffers[] = {x, b, d.bias, d.wsum, d.multiplier, d.shift, y, NULL};
    run_variants("qgemm_s8", &p, buffers, 6, (size_t)m * (size_t)n, want, what);
    th_free_all();
}

static int32_t requantized(int kind, int32_t acc, int32_t multiplier, int32_t shift, int32_t y_zero) {
    const int64_t v = (int64_t)(kind % 3 == 0 ? wide_requantize_once : wide_requantize)(acc, multiplier, shift) + y_zero;
    return (int32_t)(v < -128 ? -128 : v > 127 ? 127 : v);
}

static float rounded_down(int32_t acc) {
    const float f = (float)acc;
    return (double)f > acc ? nextafterf(f, -INFINITY) : f;
}

/* What el_quant.h calls near, at random, that gives `want` for a sum; 0 where none was found. The sign of a fused multiply-add is exact. */
static int32_t random_near(int32_t acc, int32_t multiplier, int32_t shift, int32_t y_zero, int once, int32_t want) {
    const float nudge = once || shift >= 0 ? 0 : ldexpf(1, shift - 1);
    for (int i = 0; i < 20 && multiplier > 0; i++) {
        const int32_t steps = th_range(-1, 1), units = th_range(-1, 1) * (1 << th_range(0, 22));
        float scale = ldexpf((float)multiplier, shift - 31);
        if (steps != 0) scale = nextafterf(scale, steps > 0 ? 2 * scale : 0);
        const float base = (float)y_zero + 0.5f + nudge + (float)units * (scale * 0x1p-20f);
        const int least = want == -128 || fma(rounded_down(acc), (double)scale, (double)base - want) >= 0, most = want == 127 || fma(rounded_down(acc), (double)scale, (double)base - want - 1) < 0;
        if (least && most) return units * 256 + (steps & 255);
    }
    return 0;
}

/* Chosen sums at every shift through the end of a tile: weights are zero, so a sum is the bias. Half of them give results
 * inside int8, many of these exact halves; the others are ends of int32. kind as in conv_case (depthwise is 3x3); gemm is kind 3. whole: 1: all
 * by whole_multiplier, 2: there is near, for sums at both sides of a step, or multiplier and sum are floats and near is 0. */
static void rounding_case(int kind, int whole, int32_t y_zero) {
    static const int32_t ends[] = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1, -(1 << 30), 1 << 30, 0, 1, -1, 2, -2, 3};
    enum { rows = 9, n = 62 * 40, k = 4 }; /* a whole set of rows and a rest */
    const int32_t size = kind == 2 ? 3 : 1;
    el_qconv_params conv = {1, 1, rows, kind == 2 ? n : k, 1, rows, n, size, size, 1, 1, 1, 1, size / 2, size / 2, kind == 2 ? n : 1, 5, y_zero, -128, 127};
    el_qgemm_params gemm = {rows, n, k, 5, y_zero, -128, 127};
    int8_t* x = th_alloc((size_t)rows * n, 1);
    const size_t weights = (size_t)n * (kind == 2 ? 9 : k);
    int8_t* b = th_alloc(weights, 64);
    int8_t* y = th_alloc((size_t)rows * n, 1);
    int8_t* want = th_alloc((size_t)rows * n, 1);
    int32_t* near = whole == 2 ? th_alloc((size_t)n * 4, 4) : NULL;
    channel_data d = random_channels(n, 1, 0);
    th_fill_bytes(x, (size_t)rows * n);
    memset(b, 0, weights);
    memset(d.wsum, 0, (size_t)n * 4);
    for (int32_t o = 0; o < n; o++) {
        int32_t shift = d.shift[o] = whole == 2 ? o % 24 - (kind % 3 == 0 ? 20 : 16) : whole ? o % 24 - 15 : o % 62 - 31;
        if (th_range(0, 1)) d.multiplier[o] = 1 << 30;
        if (whole == 1) d.multiplier[o] = whole_multiplier(d.multiplier[o], shift);
        if (o / 62 % 2) d.bias[o] = whole ? th_range(-1, 1) * (1 << th_range(0, shift > 0 ? 29 - shift : 29)) : ends[th_range(0, 11)];
        else if (shift > 0) d.bias[o] = th_range(-3, 3);
        else d.bias[o] = (int32_t)(th_range(-120, 120) * (1ll << -shift) / (shift < -24 ? 128 : 1)) + th_range(-1, 1);
        if (whole == 2 && shift <= 0 && d.multiplier[o] > 0) d.bias[o] = (int32_t)ceil((th_range(-120, 120) - 0.5) * ldexp(1, 31 - shift) / d.multiplier[o]) - th_range(0, 1);
        int32_t v = requantized(kind, d.bias[o], d.multiplier[o], shift, y_zero);
        if (whole == 2) near[o] = random_near(d.bias[o], d.multiplier[o], shift, y_zero, kind % 3 == 0, v);
        if (whole == 2 && near[o] == 0) {
            d.multiplier[o] &= -128;
            if (shift < -15) d.bias[o] &= -16; /* a float, too */
            v = requantized(kind, d.bias[o], d.multiplier[o], shift, y_zero);
        }
        for (int32_t i = 0; i < rows; i++) want[i * n + o] = (int8_t)v;
    }
    static const char* const names[] = {"qconv_s8", "qconv_transpose_s8", "qdwconv_s8", "qgemm_s8"};
    void* buffers[] = {x, b, d.bias, d.wsum, d.multiplier, d.shift, y, near};
    run_variants(names[kind], kind == 3 ? (void*)&gemm : (void*)&conv, buffers, 6, (size_t)rows * n, want, "chosen sums");
    th_free_all();
}

int main(void) {
    test_requantize();
    static const int32_t zeros[] = {-3, -128, 127};
    for (int i = 0; i < 144; i++) rounding_case(i % 4, i / 4 % 3, zeros[i / 12 % 3]);
    for (int32_t m = 1; m <= 26; m++) gemm_case(m, th_range(1, 140), th_range(1, 70), m % 4 == 0, m % 5 == 0);
    gemm_case(200, 64, 64, 0, 0);
    gemm_case(97, 70, 33, 1, 0);
    gemm_case(1, 1000, 257, 0, 0);
    gemm_case(1, 1000, 512, 0, 0);
    gemm_case(3, 17, 4100, 1, 0);
    for (int i = 0; i < 250; i++) random_conv(0);
    for (int i = 0; i < 120; i++) random_conv(1);
    if (th_variant("qdwconv_s8", 0))
        for (int i = 0; i < 250; i++) random_conv(2);
    /* depthwise: more channels than a group, a row in several pieces, few channels, 5x5, padding wider than the image */
    static const int32_t wide[][7] = {{3, 5, 5, 257, 1, 1, 3}, {3, 4, 9, 520, 1, 2, 3}, {5, 6, 7, 40, 1, 1, 5}, {5, 9, 9, 24, 1, 2, 5}, {3, 3, 300, 24, 1, 1, 3},
                                      {3, 3, 200, 8, 1, 1, 3}, {3, 4, 333, 42, 1, 2, 3}, {7, 2, 2, 260, 1, 1, 7}, {15, 1, 1, 3, 1, 1, 15}, {1, 3, 41, 300, 1, 1, 9},
                                      {5, 30, 3, 7, 2, 1, 1}, {3, 9, 131, 256, 2, 1, 3}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) { /* kh, h, w, c, dilation, stride, kw */
        const int32_t* d = wide[i];
        el_qconv_params p = {1, d[1], d[2], d[3], 0, 0, d[3], d[0], d[6], d[5], d[5], d[4], d[4], (d[0] - 1) * d[4] / 2, (d[6] - 1) * d[4] / 2, d[3], 11, -7, -128, 127};
        p.oh = (p.h + d[5] - 1) / d[5], p.ow = (p.w + d[5] - 1) / d[5];
        conv_case(2, p, i % 3 == 0, 0);
        p.dilation_h = 1, p.pad_top = p.kh - 1, p.x_zero = -128, p.n = 2;
        conv_case(2, p, 0, i % 4 == 0);
    }
    /* a first layer; a wide 3x3; a kernel larger than the image */
    conv_case(0, (el_qconv_params){1, 33, 35, 3, 17, 18, 24, 7, 7, 2, 2, 1, 1, 3, 3, 1, -5, 3, -128, 127}, 0, 0);
    conv_case(0, (el_qconv_params){2, 33, 50, 3, 17, 25, 24, 3, 3, 2, 2, 1, 1, 1, 1, 1, -128, 3, -128, 127}, 0, 0);
    conv_case(0, (el_qconv_params){1, 20, 70, 3, 20, 70, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 9, 3, -128, 127}, 0, 0);
    /* rows of pixels without padding between them */
    conv_case(0, (el_qconv_params){2, 45, 51, 3, 23, 26, 24, 7, 7, 2, 2, 1, 1, 3, 3, 1, -5, 3, -128, 127}, 0, 0);
    conv_case(0, (el_qconv_params){1, 20, 21, 1, 20, 21, 70, 5, 5, 1, 1, 1, 1, 2, 2, 1, 100, 3, -100, 127}, 1, 0);
    conv_case(0, (el_qconv_params){1, 40, 19, 6, 19, 17, 33, 3, 3, 2, 1, 1, 1, 0, 0, 1, -128, 9, -128, 127}, 0, 1);
    conv_case(0, (el_qconv_params){2, 9, 40, 5, 9, 37, 16, 1, 4, 1, 1, 1, 1, 0, 0, 1, 1, 9, -128, 127}, 0, 0);
    conv_case(0, (el_qconv_params){2, 14, 13, 32, 14, 13, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 7, -1, -128, 127}, 1, 0);
    /* Winograd: numbers of tiles and of channels that leave rests, windows that lie beside the image, sums of extreme weights near its bound and beyond it */
    for (int i = 0; i < 12; i++) {
        const int32_t h = th_range(21, 26), w = th_range(21, 45), c = i < 2 ? 240 : 16 * th_range(2, 9), pad = th_range(0, 2), left = th_range(0, 2);
        conv_case(0, (el_qconv_params){i % 5 == 0 ? 2 : 1, h, w, c, h + th_range(-2, pad + 1), w + th_range(-2, left + 3), 64 * th_range(1, 2), 3, 3, 1, 1, 1, 1, pad, left, 1, random_zero(), th_range(-128, 127),
                                      i % 4 == 3 ? -100 : -128, 127}, i % 2 == 0, i % 3 == 2);
    }
    for (int i = 0; i < 12; i++) /* 49 rows: one more than tiles have */
        conv_case(0, (el_qconv_params){1, 7, 7, 12, 7, 7, 70, 1 + i % 2 * 2, 1 + i % 2 * 2, 1, 1, 1, 1, i % 2, i % 2, 1, 7, -1, -128, 127}, 0, 0);
    for (int i = 0; i < 60; i++) { /* few channels, whose weights may stay in registers */
        const int32_t h = th_range(1, 12), w = th_range(1, 60), c = 8 * th_range(2, 4), oc = th_range(0, 1) ? 16 * th_range(1, 9) : th_range(1, 150);
        conv_case(0, (el_qconv_params){1, h, w, c, h, w, oc, 1, 1, 1, 1, 1, 1, 0, 0, 1, th_range(-128, 127), th_range(-128, 127), -128, 127}, i % 8 == 0, 0);
    }
    for (int i = 0; i < 40; i++) { /* windows that are copied; two of a row may not lie within the same 16 bytes */
        const int32_t c = th_range(0, 3) ? 3 : th_range(1, 2), kw = th_range(2, c == 3 ? 3 : 5), sy = th_range(1, 3), sx = th_range(1, 3), dy = th_range(1, 2);
        const int32_t oh = th_range(12, 20), ow = th_range(20, 41), top = th_range(0, 2), left = th_range(0, kw - 1);
        conv_case(0, (el_qconv_params){i % 7 == 0 ? 2 : 1, (oh - 1) * sy + 2 * dy + 1 - top - th_range(0, 1), (ow - 1) * sx + kw - left - th_range(0, kw - 1), c, oh, ow,
                                       th_range(0, 1) ? 16 * th_range(1, 5) : th_range(1, 90), 3, kw, sy, sx, dy, 1, top, left, 1, random_zero(), th_range(-128, 127), -128, 127}, i % 4 == 0, i % 5 == 0);
    }
    for (int i = 0; i < 30; i++) { /* a last block of half a panel */
        const int32_t h = th_range(1, 9), w = th_range(1, 20), k = th_range(0, 2) ? 1 : 3, oc = 8 + 16 * th_range(0, 5);
        conv_case(0, (el_qconv_params){1, h, w, th_range(1, 40), h, w, oc, k, k, 1, 1, 1, 1, k / 2, k / 2, 1, random_zero(), th_range(-128, 127), -128, 127}, i % 4 == 0, i % 5 == 0);
    }
    conv_case(0, (el_qconv_params){1, 2, 2, 5, 1, 1, 4, 15, 15, 1, 1, 1, 1, 7, 7, 1, 127, 0, -128, 127}, 0, 0);
    return th_report("test_quant");
}
