/* int8 element-wise, pooling, mean and softmax kernels: every variant gives the bits of the scalar kernel, and the scalar
 * kernel those of a reference written here in wide integers or, for softmax, stays within one step of the float function. */
#include "test_harness.h"
#include "el_quant.h"

static int64_t floor_div(__int128 a, __int128 b) { return (int64_t)(a / b - (a % b < 0)); }

/* the two roundings with 128-bit division: half up of a*m/2^31, then half away from zero */
static int64_t requantize(int32_t acc, int32_t m, int32_t shift) {
    int32_t a = (int32_t)((uint32_t)acc << (shift > 0 ? shift : 0));
    int64_t t = floor_div((__int128)a * m + (1 << 30), (__int128)1 << 31);
    if (shift >= 0) return t;
    int64_t d = 1ll << -shift;
    return t < 0 ? -((-t + d / 2) / d) : (t + d / 2) / d;
}

static int8_t clamp(int64_t v, int32_t lo, int32_t hi) { return (int8_t)(v < lo ? lo : v > hi ? hi : v); }

static int32_t zero_point(void) {
    int32_t k = th_range(0, 4);
    return k == 0 ? -128 : k == 1 ? 127 : k == 2 ? 0 : th_range(-128, 127);
}
static int32_t multiplier(int negative) {
    int32_t k = th_range(0, 6), m = k == 0 ? 1 << 30 : k == 1 ? INT32_MAX : k == 2 ? 0 : (1 << 30) + (int32_t)(th_u32() >> 2);
    return negative && th_range(0, 3) == 0 ? -m : m;
}
static void output_range(int32_t* lo, int32_t* hi) {
    *lo = th_range(0, 1) ? -128 : th_range(-128, 0);
    *hi = th_range(0, 1) ? 127 : th_range(0, 127);
}
static int32_t size_of_case(int i) { return i < 70 ? i + 1 : i < 76 ? th_range(100, 5000) : th_range(60000, 90000); }
static int8_t* random_s8(size_t count) {
    int8_t* x = th_alloc(count, 1);
    th_fill_bytes(x, count);
    return x;
}

static void check(const char* name, const void* params, void** buffers, int output, const void* want, size_t bytes) {
    const el_kernel* k;
    char label[128];
    for (uint32_t i = 0; (k = th_variant(name, i)); i++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            memset(buffers[output], 0x55, bytes);
            th_run(k, params, buffers, threads);
            snprintf(label, sizeof label, "%s %s, %d threads, %zu bytes", name, el_isa_name(k->isa), threads, bytes);
            th_same_bytes(label, buffers[output], want, bytes);
        }
}

static int64_t period_of(int64_t count) {
    int32_t k = th_range(0, 4);
    return k == 0 ? 1 : k == 1 ? th_range(1, 40) : k == 2 ? th_range(1, 1200) : count;
}

static void binary_case(int64_t count) {
    int64_t pa = period_of(count), pb = pa == count ? period_of(count) : count;
    if (pa > count) pa = count;
    if (pb > count) pb = count;
    int8_t *a = random_s8((size_t)pa), *b = random_s8((size_t)pb), *y = th_alloc((size_t)count, 1), *want = th_alloc((size_t)count, 1);
    void* buffers[] = {a, b, y};
    el_qadd_params p = {count, pa, pb, -zero_point(), -zero_point(), zero_point(), 20, multiplier(1), th_range(-6, 0), multiplier(1),
                        th_range(-6, 0), multiplier(1), th_range(-22, -14), 0, 0};
    output_range(&p.y_min, &p.y_max);
    if (th_range(0, 3) == 0) p.y_shift = th_range(-31, 10), p.a_shift = th_range(-31, 3), p.left_shift = th_range(0, 22);
    if (th_range(0, 1) == 0) p.a_multiplier = 1 << 30, p.a_shift = 0; /* the input of the larger scale */
    if (th_range(0, 2) == 0) p.b_multiplier = 1 << 30, p.b_shift = 0;
    for (int subtract = 0; subtract < 2; subtract++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t ra = requantize((int32_t)((uint32_t)(a[i % pa] + p.a_offset) << p.left_shift), p.a_multiplier, p.a_shift);
            int64_t rb = requantize((int32_t)((uint32_t)(b[i % pb] + p.b_offset) << p.left_shift), p.b_multiplier, p.b_shift);
            int32_t sum = (int32_t)(uint32_t)(uint64_t)(subtract ? ra - rb : ra + rb);
            want[i] = clamp(requantize(sum, p.y_multiplier, p.y_shift) + p.y_offset, p.y_min, p.y_max);
        }
        check(subtract ? "qsub_s8" : "qadd_s8", &p, buffers, 2, want, (size_t)count);
    }
    el_qmul_params q = {count, pa, pb, p.a_offset, p.b_offset, p.y_offset, multiplier(1), th_range(0, 3) ? th_range(-10, -5) : th_range(-31, 10), p.y_min, p.y_max};
    for (int64_t i = 0; i < count; i++)
        want[i] = clamp(requantize((a[i % pa] + q.a_offset) * (b[i % pb] + q.b_offset), q.y_multiplier, q.y_shift) + q.y_offset, q.y_min, q.y_max);
    check("qmul_s8", &q, buffers, 2, want, (size_t)count);
    th_free_all();
}

static void unary_case(int64_t count) {
    int8_t *x = random_s8((size_t)count), *table = random_s8(256), *y = th_alloc((size_t)count, 1), *want = th_alloc((size_t)count, 1);
    el_lut_params l = {count};
    for (int64_t i = 0; i < count; i++) want[i] = table[x[i] + 128];
    check("lut_s8", &l, (void*[]){x, table, y}, 2, want, (size_t)count);

    el_grouped_lut_params lut = {count, th_range(1, 3) == 1 ? (int32_t)count : 1, th_range(1, 6)};
    for (int32_t c = 2; c < 70 && c <= count; c++)
        if (count % c == 0 && th_range(0, 1)) lut.channels = c;
    int8_t* tables = random_s8((size_t)lut.groups * 256);
    uint8_t* group = (uint8_t*)random_s8((size_t)lut.channels);
    for (int64_t i = 0; i < count; i++) want[i] = tables[group[i % lut.channels] % lut.groups * 256 + x[i] + 128];
    check("grouped_lut_s8", &lut, (void*[]){x, tables, group, y}, 3, want, (size_t)count);

    el_requantize_params r = {count, zero_point(), zero_point(), multiplier(0), th_range(0, 3) ? th_range(-2, 2) : th_range(-31, 10), 0, 0};
    output_range(&r.y_min, &r.y_max);
    for (int64_t i = 0; i < count; i++) want[i] = clamp(requantize(x[i] - r.x_zero, r.multiplier, r.shift) + r.y_zero, r.y_min, r.y_max);
    check("requantize_s8", &r, (void*[]){x, y}, 1, want, (size_t)count);

    float *f = th_alloc((size_t)count * 4, 4), *g = th_alloc((size_t)count * 4, 4), *back = th_alloc((size_t)count * 4, 4);
    for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        el_quantize_params q = {count, th_range(0, 1) ? 0.5f : th_float(0.001f, 2), 0, is_unsigned ? 0 : -128, is_unsigned ? 255 : 127, is_unsigned};
        q.zero = th_range(q.y_min, q.y_max);
        if (th_range(0, 3) == 0) q.y_min += 17, q.y_max -= 3;
        static const float special[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, 0.25f, 0.75f, -0.25f, -1.25f, 2147483648.0f};
        for (int64_t i = 0; i < count; i++) {
            f[i] = th_range(0, 3) == 0 ? special[th_range(0, 12)] : th_range(0, 1) ? (float)th_range(-600, 600) * 0.25f : th_float(-200, 200);
            /* round half to even by hand, in double: the float quotient is exact in it */
            double v = isnan(f[i]) ? 0 : (double)(f[i] / q.scale), down = floor(v), rest = v - down, even = fmod(down, 2) == 0 ? down : down + 1;
            double rounded = isinf(v) ? v : rest < 0.5 ? down : rest > 0.5 ? down + 1 : even;
            double z = rounded + q.zero;
            want[i] = (int8_t)(uint8_t)(int)(z < q.y_min ? q.y_min : z > q.y_max ? q.y_max : z);
            back[i] = (float)((is_unsigned ? (uint8_t)x[i] : x[i]) - q.zero) * q.scale;
        }
        check("quantize_f32_s8", &q, (void*[]){f, y}, 1, want, (size_t)count);
        check("dequantize_s8_f32", &q, (void*[]){x, g}, 1, back, (size_t)count * 4);
    }
    th_free_all();
}

static void pool_case(el_qpool_params p) {
    size_t outputs = (size_t)p.n * (size_t)p.oh * (size_t)p.ow * (size_t)p.c;
    int8_t *x = random_s8((size_t)p.n * (size_t)p.h * (size_t)p.w * (size_t)p.c), *y = th_alloc(outputs, 1);
    int8_t *average = th_alloc(outputs, 1), *maximum = th_alloc(outputs, 1);
    for (size_t i = 0; i < outputs; i++) {
        int32_t c = (int32_t)(i % (size_t)p.c), ox = (int32_t)(i / (size_t)p.c % (size_t)p.ow);
        int32_t oy = (int32_t)(i / (size_t)p.c / (size_t)p.ow % (size_t)p.oh), n = (int32_t)(i / (size_t)p.c / (size_t)p.ow / (size_t)p.oh);
        int64_t sum = 0, count = 0, largest = -1000;
        for (int32_t iy = 0; iy < p.h; iy++)
            for (int32_t ix = 0; ix < p.w; ix++) {
                int32_t ky = iy - oy * p.stride_h + p.pad_top, kx = ix - ox * p.stride_w + p.pad_left;
                if (ky < 0 || ky >= p.kh || kx < 0 || kx >= p.kw) continue;
                int64_t v = x[((n * p.h + iy) * p.w + ix) * p.c + c];
                sum += v, count++;
                if (v > largest) largest = v;
            }
        int64_t magnitude = count ? (2 * llabs(sum) + count) / (2 * count) : 0; /* half away from zero, except that odd counts have no half */
        average[i] = clamp(sum < 0 ? -magnitude : magnitude, p.y_min, p.y_max);
        maximum[i] = clamp(largest, p.y_min, p.y_max);
    }
    check("qavg_pool_s8", &p, (void*[]){x, y}, 1, average, outputs);
    check("max_pool_s8", &p, (void*[]){x, y}, 1, maximum, outputs);
    th_free_all();
}

static void random_pool(void) {
    el_qpool_params p = {.n = th_range(1, 2), .h = th_range(1, 12), .w = th_range(1, 12), .c = th_range(1, 70), .kh = th_range(1, 5),
                         .kw = th_range(1, 5), .stride_h = th_range(1, 3), .stride_w = th_range(1, 3)};
    if (th_range(0, 2) == 0) p.kh = p.kw = th_range(2, 3), p.stride_w = 2, p.c = th_range(14, 140); /* the usual windows */
    p.pad_top = th_range(0, p.kh - 1), p.pad_left = th_range(0, p.kw - 1);
    p.oh = (p.h + p.pad_top + th_range(0, p.kh)) / p.stride_h; /* may reach past the input: empty windows */
    p.ow = (p.w + p.pad_left) / p.stride_w;
    if (p.oh < 1) p.oh = 1;
    if (p.ow < 1) p.ow = 1;
    output_range(&p.y_min, &p.y_max);
    pool_case(p);
}

static void mean_case(int32_t n, int32_t hw, int32_t c) {
    el_qmean_params p = {n, hw, c, zero_point(), zero_point(), multiplier(0), th_range(0, 3) ? -th_range(0, 8) : th_range(-31, 10)};
    int8_t *x = random_s8((size_t)(n * hw * c)), *y = th_alloc((size_t)(n * c), 1), *want = th_alloc((size_t)(n * c), 1);
    if (th_range(0, 3) == 0) memset(x, -128, (size_t)(n * hw * c));
    for (int32_t i = 0; i < n * c; i++) {
        int32_t sum = -p.x_zero * hw;
        for (int32_t j = 0; j < hw; j++) sum += x[(i / c * hw + j) * c + i % c];
        want[i] = clamp(requantize(sum, p.multiplier, p.shift) + p.y_zero, -128, 127);
    }
    check("qmean_s8", &p, (void*[]){x, y}, 1, want, (size_t)(n * c));
    th_free_all();
}

/* The parameters as TFLite derives them from beta = 1 and the input's scale. */
static el_qsoftmax_params softmax_params(int64_t rows, int32_t depth, double scale) {
    double real = scale * (1 << 26);
    if (real > 2147483647.0) real = 2147483647.0;
    int exponent;
    double fraction = frexp(real, &exponent);
    int64_t m = (int64_t)(fraction * 2147483648.0 + 0.5);
    if (m == 1ll << 31) m /= 2, exponent++;
    return (el_qsoftmax_params){rows, depth, (int32_t)m, exponent, -(int32_t)floor(31.0 * (1 << 26) / ldexp(1, exponent))};
}

static void softmax_case(int64_t rows, int32_t depth, double scale, int kind) {
    el_qsoftmax_params p = softmax_params(rows, depth, scale);
    size_t count = (size_t)rows * (size_t)depth;
    int8_t *x = random_s8(count), *y = th_alloc(count, 1), *want = th_alloc(count, 1);
    if (kind == 1) memset(x, 5, count);
    if (kind == 2) for (size_t i = 0; i < count; i++) x[i] = i % 3 ? -128 : 127;
    const el_kernel* scalar = th_variant("qsoftmax_s8", 0);
    th_run(scalar, &p, (void*[]){x, want}, 1);
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0;
        int32_t largest = -128;
        for (int32_t i = 0; i < depth; i++) largest = x[r * depth + i] > largest ? x[r * depth + i] : largest;
        for (int32_t i = 0; i < depth; i++) sum += exp(scale * (x[r * depth + i] - largest));
        for (int32_t i = 0; i < depth; i++) {
            double exact = 256 * exp(scale * (x[r * depth + i] - largest)) / sum - 128;
            double limited = exact > 127 ? 127 : exact;
            th_checks++;
            /* half a step of rounding and the error of the sum's 19 fractional bits */
            if (fabs(want[r * depth + i] - limited) > 0.51 + 2e-4 * depth)
                th_fail("qsoftmax_s8 scalar, depth %d scale %g: element %d of row %d is %d, float function %f", depth, scale, i, (int)r, want[r * depth + i], exact);
        }
    }
    check("qsoftmax_s8", &p, (void*[]){x, y}, 1, want, count);
    th_free_all();
}

int main(void) {
    for (int i = 0; i < 78; i++) {
        binary_case(size_of_case(i));
        binary_case(size_of_case(i));
        unary_case(size_of_case(i));
    }
    for (int i = 0; i < 150; i++) random_pool();
    pool_case((el_qpool_params){1, 40, 40, 33, 1, 1, 40, 40, 1, 1, 0, 0, -128, 127});
    pool_case((el_qpool_params){1, 112, 20, 64, 56, 10, 3, 3, 2, 2, 0, 0, -128, 127});
    pool_case((el_qpool_params){1, 400, 300, 3, 1, 1, 400, 300, 1, 1, 0, 0, -128, 127});
    for (int i = 0; i < 70; i++) mean_case(th_range(1, 2), i % 10 == 0 ? th_range(1000, 3000) : th_range(1, 60), i + 1);
    static const double scales[] = {0.001, 0.01, 0.05, 0.1, 0.25, 1, 3};
    for (int i = 0; i < 7; i++)
        for (int32_t depth = 1; depth <= 1000; depth = depth * 2 + 1)
            for (int kind = 0; kind < 3; kind++) softmax_case(3, depth, scales[i], kind);
    return th_report("test_quant_elementwise");
}
