/* Kernels over rows and columns (reduce, topk, softmax, layer_norm, affine, resize), every variant against double-precision formulas:
 * odd sizes, in place, NaN and infinities, one and two threads with equal bits, guard pages on both ends. */
#include "test_harness.h"
#include "el_tensor.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void test_reduce(void) {
    static const int64_t cases[][3] = {{1, 1, 1}, {3, 5, 1}, {2, 67, 1}, {7, 129, 1}, {1, 70001, 1}, {50, 3000, 1}, {1, 49, 67}, {2, 5, 3},
                                       {2, 300, 64}, {3, 17, 131}, {2, 1000, 200}, {4, 0, 1}, {2, 0, 19}, {0, 4, 4}, {1, 6, 1}, {5, 1, 33}};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(cases); c++)
        for (int op = 0; op < EL_REDUCE_COUNT_; op++)
            for (int special = 0; special < 2; special++) {
                el_reduce_params p = {cases[c][0], cases[c][1], cases[c][2], op};
                size_t xn = (size_t)(p.outer * p.axis * p.inner), yn = (size_t)(p.outer * p.inner);
                float *x = th_floats(xn), *want = th_floats(yn), *y = th_floats(yn), *again = th_floats(yn);
                /* Products stay within range; the other values share a sign with a few exceptions, so sums do not cancel. */
                if (op == EL_REDUCE_PROD) th_fill_f32(x, xn, 0.99f, 1.01f);
                else th_fill_f32(x, xn, -1, 7);
                if (special && xn > 40) x[th_u32() % xn] = NAN, x[th_u32() % xn] = INFINITY, x[th_u32() % xn] = -INFINITY;
                for (int64_t o = 0; o < p.outer; o++)
                    for (int64_t i = 0; i < p.inner; i++) {
                        double sum = 0, product = 1, squares = 0, magnitudes = 0, max = -INFINITY, min = INFINITY;
                        int nan = 0;
                        for (int64_t a = 0; a < p.axis; a++) {
                            double v = x[(o * p.axis + a) * p.inner + i];
                            sum += v, product *= v, squares += v * v, magnitudes += fabs(v);
                            max = fmax(max, v), min = fmin(min, v), nan |= isnan(v);
                        }
                        const double results[] = {sum, sum / (double)p.axis, nan ? NAN : max, nan ? NAN : min, product, squares, sqrt(squares), magnitudes};
                        want[o * p.inner + i] = (float)results[op];
                    }
                for (uint32_t v = 0; (k = th_variant("reduce_f32", v)); v++) {
                    char what[96];
                    snprintf(what, sizeof what, "reduce op %d case %d (%s)", op, c, el_isa_name(k->isa));
                    th_run(k, &p, (void*[]){x, y}, 1);
                    /* A product of n factors carries n roundings. */
                    th_close_f32(what, y, want, yn, op == EL_REDUCE_PROD ? 3e-8f * (float)(p.axis + 20) : 2e-6f, 1e-6f);
                    th_run(k, &p, (void*[]){x, again}, 2);
                    th_same_bytes(what, again, y, yn * 4);
                }
                th_free_all();
            }
}

/* Columns of the same numbers have the same sum, wherever they lie: what follows (a softmax of large scores) may rest on it. */
static void test_equal_columns(void) {
    const el_kernel* k;
    el_reduce_params p = {1, 169, 1000, EL_REDUCE_MEAN};
    float *x = th_floats((size_t)(p.axis * p.inner)), *y = th_floats((size_t)p.inner), *want = th_floats((size_t)p.inner);
    for (int64_t a = 0; a < p.axis; a++) {
        float v = th_float(1e7f, 3e7f);
        for (int64_t i = 0; i < p.inner; i++) x[a * p.inner + i] = v;
    }
    for (uint32_t v = 0; (k = th_variant("reduce_f32", v)); v++) {
        th_run(k, &p, (void*[]){x, y}, 1);
        for (int64_t i = 0; i < p.inner; i++) want[i] = y[0];
        th_same_bytes(el_isa_name(k->isa), y, want, (size_t)p.inner * 4);
    }
    th_free_all();
}

/* True when element i of a line, `step` apart, comes before element j. */
static int comes_before(const float* x, int64_t step, int64_t i, int64_t j, int smallest) {
    float a = x[i * step], b = x[j * step];
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? i < j : isnan(smallest ? b : a);
    return a == b ? i < j : smallest ? a < b : a > b;
}

/* Against the place that an element has by counting those that come before it. */
static void test_topk(void) {
    static const int64_t cases[][4] = {{1, 1, 1, 1}, {3, 5, 1, 2}, {2, 67, 3, 67}, {7, 129, 2, 128}, {1, 1000, 1, 1}, {40, 1000, 3, 10}, {2, 6, 4, 0}, {0, 6, 4, 2}, {5, 33, 17, 16}};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(cases); c++)
        for (int kind = 0; kind < 12; kind++) { /* largest, smallest; plain, with many equals, with NaN, infinities and both zeros; all results, one */
            el_topk_params p = {cases[c][0], cases[c][1], cases[c][2], cases[c][3], kind & 1};
            size_t xn = (size_t)(p.outer * p.axis * p.inner), yn = (size_t)(p.outer * p.k * p.inner);
            float *x = th_floats(xn), *want = th_floats(yn), *y = th_floats(yn);
            int64_t *places = th_alloc(yn * 8, 8), *indices = th_alloc(yn * 8, 8);
            const float special[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, -1e-40f};
            for (size_t i = 0; i < xn; i++) x[i] = kind % 6 < 2 ? th_float(-5, 5) : kind % 6 < 4 ? (float)th_range(-2, 2) : special[th_u32() % 8];
            for (int64_t o = 0; o < p.outer; o++)
                for (int64_t i = 0; i < p.inner; i++)
                    for (int64_t a = 0; a < p.axis; a++) {
                        const float* line = x + o * p.axis * p.inner + i;
                        int64_t place = 0;
                        for (int64_t other = 0; other < p.axis; other++) place += other != a && comes_before(line, p.inner, other, a, p.smallest);
                        if (place >= p.k) continue;
                        want[(o * p.k + place) * p.inner + i] = line[a * p.inner];
                        places[(o * p.k + place) * p.inner + i] = a;
                    }
            for (uint32_t v = 0; (k = th_variant("topk_f32", v)); v++) {
                int values = kind < 6 || kind & 1, numbers = kind < 6 || !(kind & 1);
                char what[64];
                snprintf(what, sizeof what, "topk case %d kind %d (%s)", c, kind, el_isa_name(k->isa));
                th_run(k, &p, (void*[]){x, values ? y : NULL, numbers ? indices : NULL}, 1 + kind / 2 % 2);
                if (values) th_same_bytes(what, y, want, yn * 4);
                if (numbers) th_same_bytes(what, indices, places, yn * 8);
            }
            th_free_all();
        }
}

static void test_softmax(void) {
    static const int64_t depths[] = {1, 2, 3, 7, 8, 10, 16, 17, 31, 33, 64, 100, 1000, 9001};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(depths); c++)
        for (int is_log = 0; is_log < 2; is_log++)
            for (int kind = 0; kind < 6; kind++) { /* plain, large, a NaN, +inf, one -inf, all -inf in row 0 */
                el_softmax_params p = {depths[c] > 500 ? 9 : 5, depths[c], is_log};
                size_t n = (size_t)(p.rows * p.depth);
                float *x = th_floats(n), *want = th_floats(n);
                th_fill_f32(x, n, kind == 1 ? -1000 : -5, kind == 1 ? 1000 : 5);
                if (kind >= 2 && kind <= 4) x[th_u32() % (uint32_t)p.depth] = kind == 2 ? NAN : kind == 3 ? INFINITY : -INFINITY;
                for (int64_t i = 0; kind == 5 && i < p.depth; i++) x[i] = -INFINITY;
                for (int64_t r = 0; r < p.rows; r++) {
                    double max = -INFINITY, sum = 0;
                    for (int64_t i = 0; i < p.depth; i++) max = fmax(max, x[r * p.depth + i]);
                    for (int64_t i = 0; i < p.depth; i++) sum += exp(x[r * p.depth + i] - max);
                    for (int64_t i = 0; i < p.depth; i++) {
                        double v = x[r * p.depth + i] - max;
                        /* The logarithm of a row that is NaN in one place is NaN in all. */
                        want[r * p.depth + i] = (float)(isnan(sum) ? NAN : is_log ? v - log(sum) : exp(v) / sum);
                    }
                }
                for (uint32_t v = 0; (k = th_variant("softmax_f32", v)); v++)
                    for (int inplace = 0; inplace < 2; inplace++) {
                        float *x2 = th_floats(n), *y = inplace ? x2 : th_floats(n);
                        memcpy(x2, x, n * 4);
                        th_run(k, &p, (void*[]){x2, y}, 1 + c % 2);
                        char what[96];
                        snprintf(what, sizeof what, "softmax log %d depth %d kind %d (%s)", is_log, (int)p.depth, kind, el_isa_name(k->isa));
                        th_close_f32(what, y, want, n, 2e-6f, is_log ? 2e-6f : 1e-30f);
                    }
                th_free_all();
            }
}

static void test_layer_norm(void) {
    static const int64_t depths[] = {1, 3, 8, 17, 64, 100, 768, 5001};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(depths); c++)
        for (int form = 0; form < 16; form++) { /* rms, scale, bias, in place; a large mean, so that cancellation would show */
            el_layer_norm_params p = {21, depths[c], 1e-5f, form & 1};
            size_t n = (size_t)(p.rows * p.depth), depth = (size_t)p.depth;
            float *x = th_floats(n), *scale = form & 2 ? th_floats(depth) : NULL, *bias = form & 4 ? th_floats(depth) : NULL, *want = th_floats(n);
            th_fill_f32(x, n, 20, 23);
            if (scale) th_fill_f32(scale, depth, -2, 2);
            if (bias) th_fill_f32(bias, depth, -2, 2);
            x[0] = c % 2 ? NAN : 21;
            for (int64_t r = 0; r < p.rows; r++) {
                double mean = 0, var = 0;
                for (int64_t i = 0; i < p.depth; i++) mean += (double)x[r * p.depth + i] / (double)p.depth;
                if (p.is_rms) mean = 0;
                for (int64_t i = 0; i < p.depth; i++) var += pow(x[r * p.depth + i] - mean, 2) / (double)p.depth;
                for (int64_t i = 0; i < p.depth; i++)
                    want[r * p.depth + i] = (float)((x[r * p.depth + i] - mean) / sqrt(var + (double)p.epsilon) * (scale ? scale[i] : 1) + (bias ? bias[i] : 0));
            }
            for (uint32_t v = 0; (k = th_variant("layer_norm_f32", v)); v++) {
                float *x2 = th_floats(n), *y = form & 8 ? x2 : th_floats(n);
                memcpy(x2, x, n * 4);
                th_run(k, &p, (void*[]){x2, scale, bias, y}, 1 + c % 2);
                char what[96];
                snprintf(what, sizeof what, "layer_norm depth %d form %d (%s)", (int)p.depth, form, el_isa_name(k->isa));
                /* The mean is near 21, one rounding of it is 1e-6; a single element has variance 0. */
                th_close_f32(what, y, want, n, 4e-6f, p.depth == 1 ? 1e-3f : 1e-5f);
            }
            th_free_all();
        }
}

static void test_affine(void) {
    static const int64_t cases[][2] = {{1, 1}, {5, 3}, {100, 3}, {1001, 1}, {33, 16}, {77, 31}, {40, 32}, {40, 33}, {9, 257}, {3001, 40}, {0, 8}};
    const el_act acts[] = {{EL_ACT_NONE, 0, 0}, {EL_ACT_CLAMP, 0, INFINITY}, {EL_ACT_SIGMOID, 0, 0}};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(cases); c++)
        for (int form = 0; form < 8; form++)
            for (int a = 0; a < 3; a++) {
                el_affine_params p = {cases[c][0], cases[c][1], acts[a]};
                size_t n = (size_t)(p.rows * p.depth), depth = (size_t)p.depth;
                float *x = th_floats(n), *scale = form & 1 ? th_floats(depth) : NULL, *bias = form & 2 ? th_floats(depth) : NULL, *want = th_floats(n);
                th_fill_f32(x, n, -3, 3);
                if (scale) th_fill_f32(scale, depth, -2, 2);
                if (bias) th_fill_f32(bias, depth, -2, 2);
                if (n) x[n / 2] = NAN;
                for (size_t i = 0; i < n; i++) {
                    double v = (double)x[i] * (scale ? scale[i % depth] : 1) + (bias ? bias[i % depth] : 0);
                    want[i] = (float)(a == 1 ? (v < 0 ? 0 : v) : a == 2 ? 1 / (1 + exp(-v)) : v);
                }
                for (uint32_t v = 0; (k = th_variant("affine_f32", v)); v++) {
                    float *x2 = th_floats(n), *y = form & 4 ? x2 : th_floats(n);
                    memcpy(x2, x, n * 4);
                    th_run(k, &p, (void*[]){x2, scale, bias, y}, 1 + c % 2);
                    char what[96];
                    snprintf(what, sizeof what, "affine case %d form %d act %d (%s)", c, form, a, el_isa_name(k->isa));
                    th_close_f32(what, y, want, n, 1e-6f, 1e-6f);
                }
                th_free_all();
            }
}

static void test_resize(void) {
    static const el_resize_params cases[] = {{1, 1, 1, 1, 3, 3}, {2, 5, 7, 3, 10, 14}, {1, 9, 6, 19, 4, 13}, {1, 20, 20, 64, 40, 40}, {2, 3, 4, 1, 7, 5}, {1, 6, 6, 33, 3, 3}};
    const el_kernel* k;
    for (int c = 0; c < LENGTH(cases); c++)
        for (int threads = 1; threads <= 2; threads++) {
            const el_resize_params* p = &cases[c];
            size_t xn = (size_t)(p->n * p->h * p->w * p->c), yn = (size_t)(p->n * p->oh * p->ow * p->c), oh = (size_t)p->oh, ow = (size_t)p->ow;
            float *x = th_floats(xn), *want = th_floats(yn), *y = th_floats(yn), *yw = th_floats(oh), *xw = th_floats(ow);
            int32_t *yi0 = th_alloc(oh * 4, 4), *yi1 = th_alloc(oh * 4, 4), *xi0 = th_alloc(ow * 4, 4), *xi1 = th_alloc(ow * 4, 4);
            th_fill_f32(x, xn, -3, 3), th_fill_f32(yw, oh, 0, 1), th_fill_f32(xw, ow, 0, 1);
            for (size_t i = 0; i < oh; i++) yi0[i] = th_range(0, p->h - 1), yi1[i] = th_range(0, p->h - 1);
            for (size_t i = 0; i < ow; i++) xi0[i] = th_range(0, p->w - 1), xi1[i] = th_range(0, p->w - 1);
            size_t at = 0;
            for (int n = 0; n < p->n; n++)
                for (int i = 0; i < p->oh; i++)
                    for (int j = 0; j < p->ow; j++)
                        for (int ch = 0; ch < p->c; ch++) {
#define X(r, q) ((double)x[((n * p->h + (r)) * p->w + (q)) * p->c + ch])
                            double u = xw[j], v = yw[i];
                            want[at++] = (float)((1 - v) * ((1 - u) * X(yi0[i], xi0[j]) + u * X(yi0[i], xi1[j])) +
                                                 v * ((1 - u) * X(yi1[i], xi0[j]) + u * X(yi1[i], xi1[j])));
                        }
            for (uint32_t v = 0; (k = th_variant("resize_f32", v)); v++) {
                th_run(k, p, (void*[]){x, yi0, yi1, yw, xi0, xi1, xw, y}, threads);
                char what[64];
                snprintf(what, sizeof what, "resize case %d (%s)", c, el_isa_name(k->isa));
                th_close_f32(what, y, want, yn, 1e-6f, 1e-6f);
            }
            th_free_all();
        }
}

static void test_resize_nearest(void) {
    const el_kernel* k;
    for (int c = 0; c < 120; c++) {
        el_resize_params p = {th_range(1, 2), th_range(1, 6), th_range(1, 6), c < 70 ? c + 1 : th_range(1, 300), th_range(1, 9), th_range(1, 9)};
        size_t xn = (size_t)(p.n * p.h * p.w * p.c), yn = (size_t)(p.n * p.oh * p.ow * p.c);
        uint8_t *x = th_alloc(xn, 1), *want = th_alloc(yn, 1), *y = th_alloc(yn, 1);
        int32_t *yi = th_alloc((size_t)p.oh * 4, 4), *xi = th_alloc((size_t)p.ow * 4, 4);
        th_fill_bytes(x, xn);
        for (int i = 0; i < p.oh; i++) yi[i] = i > 0 && th_range(0, 1) ? yi[i - 1] : th_range(0, p.h - 1);
        for (int i = 0; i < p.ow; i++) xi[i] = th_range(0, p.w - 1);
        size_t at = 0;
        for (int n = 0; n < p.n; n++)
            for (int i = 0; i < p.oh; i++)
                for (int j = 0; j < p.ow; j++)
                    for (int b = 0; b < p.c; b++) want[at++] = x[((n * p.h + yi[i]) * p.w + xi[j]) * p.c + b];
        for (uint32_t v = 0; (k = th_variant("resize_nearest_b1", v)); v++) {
            th_run(k, &p, (void*[]){x, yi, xi, y}, 1 + c % 2);
            char what[64];
            snprintf(what, sizeof what, "nearest case %d (%s)", c, el_isa_name(k->isa));
            th_same_bytes(what, y, want, yn);
        }
        th_free_all();
    }
}

int main(void) {
    test_reduce();
    test_equal_columns();
    test_topk();
    test_softmax();
    test_layer_norm();
    test_affine();
    test_resize();
    test_resize_nearest();
    return th_report("test_reduce");
}
