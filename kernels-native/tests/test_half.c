/* The element-wise kernels and reductions of float16, every variant against formulas in double precision over the numbers that float16 has:
 * the results differ by its rounding. Odd lengths, broadcasting, in place, overflow, NaN, one and two threads. */
#include "test_harness.h"
#include "../common/el_half.h"
#include "el_tensor.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* count random numbers of float16 in [low, high), as floats and as they are stored. */
static uint16_t* halves(float* x, size_t count, float low, float high) {
    uint16_t* stored = th_alloc(count * sizeof *stored, sizeof *stored);
    th_fill_f32(x, count, low, high);
    for (size_t i = 0; i < count; i++) x[i] = el_half_widen(stored[i] = el_half_narrow(x[i]));
    return stored;
}

/* Half a unit in the last place, and what the float kernel below is off by. */
static void check(const char* name, const void* params, void** buffers, int inputs, const float* want, size_t count, int in_place) {
    const el_kernel* k;
    for (uint32_t v = 0; (k = th_variant(name, v)); v++)
        for (int threads = 1; threads <= 2; threads++) {
            uint16_t* y = th_alloc(count * sizeof *y, sizeof *y);
            float* widened = th_floats(count);
            void* all[3] = {buffers[0], inputs > 1 ? buffers[1] : y, y};
            if (in_place) {
                memcpy(y, buffers[0], count * sizeof *y);
                all[0] = y;
            }
            th_run(k, params, all, threads);
            for (size_t i = 0; i < count; i++) widened[i] = el_half_widen(y[i]);
            char label[128];
            snprintf(label, sizeof label, "%s %s threads=%d in_place=%d count=%zu", name, el_isa_name(k->isa), threads, in_place, count);
            th_close_f32(label, widened, want, count, 0x1.02p-11f, 0x1p-24f);
            th_free(widened);
            th_free(y);
        }
}

static void test_unary(void) {
    static const struct { el_unary_op op; el_act act; } functions[] = {
        {EL_UNARY_ACT, {EL_ACT_CLAMP, 0, 6}}, {EL_UNARY_ACT, {EL_ACT_HARD_SWISH, 0, 0}}, {EL_UNARY_ACT, {EL_ACT_SIGMOID, 0, 0}}, {EL_UNARY_EXP, {0, 0, 0}},
    };
    for (int f = 0; f < LENGTH(functions); f++)
        for (int count = 1; count < 70000; count = count * 3 + 1) {
            el_unary_params p = {count, functions[f].op, functions[f].act};
            float *x = th_floats((size_t)count), *want = th_floats((size_t)count);
            void* buffers[1] = {halves(x, (size_t)count, -7, 7)};
            for (int i = 0; i < count; i++) {
                double v = x[i];
                want[i] = (float)(f == 0 ? fmin(fmax(v, 0), 6) : f == 1 ? v * fmin(fmax(v / 6 + 0.5, 0), 1) : f == 2 ? 1 / (1 + exp(-v)) : exp(v));
            }
            for (int in_place = 0; in_place < 2; in_place++) check("unary_f16", &p, buffers, 1, want, (size_t)count, in_place);
            th_free_all();
        }
}

/* [rows][columns] with one of the operands, or none, repeated over rows or within them. */
static void test_binary(void) {
    for (int op = EL_BINARY_ADD; op < EL_BINARY_POW; op++)
        for (int form = 0; form < 5; form++)
            for (int columns = 1; columns < 300; columns = columns * 2 + 1) {
                const int rows = th_range(1, 300), repeats = form == 1 || form == 2;
                el_binary_params p = {2, op, {rows, columns}, {columns, 1}, {columns, 1}, {EL_ACT_NONE, 0, 0}};
                if (form == 1) p.b_stride[0] = 0;                   /* a row */
                if (form == 2) p.b_stride[0] = 1, p.b_stride[1] = 0; /* a column */
                if (form == 3) p.b_stride[0] = p.b_stride[1] = 0;   /* one number */
                if (form == 4) p.a_stride[0] = 0;
                const size_t count = (size_t)rows * (size_t)columns, bs = form == 3 ? 1 : !repeats ? count : (size_t)(form == 1 ? columns : rows);
                const size_t as = form == 4 ? (size_t)columns : count;
                float *a = th_floats(as), *b = th_floats(bs), *want = th_floats(count);
                void* buffers[2] = {halves(a, as, -100, 100), halves(b, bs, 0.5f, 3)};
                for (int r = 0; r < rows; r++)
                    for (int c = 0; c < columns; c++) {
                        double u = a[r * p.a_stride[0] + c * p.a_stride[1]], v = b[r * p.b_stride[0] + c * p.b_stride[1]];
                        want[r * columns + c] = (float)(op == EL_BINARY_ADD   ? u + v
                                                        : op == EL_BINARY_SUB ? u - v
                                                        : op == EL_BINARY_MUL ? u * v
                                                        : op == EL_BINARY_DIV ? u / v
                                                        : op == EL_BINARY_MIN ? fmin(u, v)
                                                                              : fmax(u, v));
                    }
                check("binary_f16", &p, buffers, 2, want, count, 0);
                if (as == count) check("binary_f16", &p, buffers, 2, want, count, 1);
                th_free_all();
            }
}

static void test_reduce(void) {
    static const int shapes[][3] = {{1, 49, 576}, {2, 196, 17}, {3, 1000, 1}, {1, 1, 8}, {5, 3, 33}};
    for (int op = EL_REDUCE_SUM; op <= EL_REDUCE_MIN; op++)
        for (int s = 0; s < LENGTH(shapes); s++) {
            const int outer = shapes[s][0], axis = shapes[s][1], inner = shapes[s][2];
            el_reduce_params p = {outer, axis, inner, op};
            float *x = th_floats((size_t)outer * axis * inner), *want = th_floats((size_t)outer * inner);
            void* buffers[1] = {halves(x, (size_t)outer * axis * inner, 0.1f, 90)}; /* sums of 1,000 are beyond 65,504: infinite */
            for (int o = 0; o < outer; o++)
                for (int i = 0; i < inner; i++) {
                    double sum = 0, max = -INFINITY, min = INFINITY;
                    for (int a = 0; a < axis; a++) {
                        double v = x[(o * axis + a) * inner + i];
                        sum += v;
                        max = fmax(max, v);
                        min = fmin(min, v);
                    }
                    double r = op == EL_REDUCE_SUM ? sum : op == EL_REDUCE_MEAN ? sum / axis : op == EL_REDUCE_MAX ? max : min;
                    want[o * inner + i] = r >= 65520 ? INFINITY : (float)r;
                }
            check("reduce_f16", &p, buffers, 1, want, (size_t)outer * inner, 0);
            th_free_all();
        }
}

/* Every number of float16, there and back: against the definition of the format. */
static void test_numbers(void) {
    th_checks++;
    for (uint32_t h = 0; h < 65536; h++) {
        const int exponent = h >> 10 & 31, fraction = h & 1023;
        double want = exponent == 0 ? ldexp(fraction, -24) : exponent < 31 ? ldexp(1024 + fraction, exponent - 25) : fraction ? NAN : INFINITY;
        if (h >> 15) want = -want;
        const float got = el_half_widen((uint16_t)h);
        if (isnan(want) ? !isnan(got) || !isnan(el_half_widen(el_half_narrow(got))) : got != want || el_half_narrow(got) != h)
            th_fail("float16 %04x is %g, not %g", h, (double)got, want);
    }
}

int main(void) {
    th_seed(3);
    test_numbers();
    test_unary();
    test_binary();
    test_reduce();
    return th_report("test_half");
}
