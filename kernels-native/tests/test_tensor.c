/* The float tensor kernels, every variant (scalar included) against formulas in double precision: a sweep over the floats for
 * the elementary functions, then shapes with odd lengths, broadcasting, in place, NaN and infinities, one and two threads.
 * All buffers end at guard pages. */
#include "test_harness.h"
#include "el_tensor.h"

#if defined(__aarch64__)
#define SWEEP 65521 /* every SWEEP-th bit pattern (an emulator is slow); a prime, so that all low bits occur */
#else
#define SWEEP 1021
#endif
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* ---- functions of one number ----------------------------------------------------------------------------------- */

static double f_abs(double x, double a, double b) { return fabs(x); }
static double f_neg(double x, double a, double b) { return -x; }
static double f_exp(double x, double a, double b) { return exp(x); }
static double f_log(double x, double a, double b) { return log(x); }
static double f_sqrt(double x, double a, double b) { return sqrt(x); }
static double f_rsqrt(double x, double a, double b) { return 1 / sqrt(x); }
static double f_reciprocal(double x, double a, double b) { return 1 / x; }
static double f_floor(double x, double a, double b) { return floor(x); }
static double f_ceil(double x, double a, double b) { return ceil(x); }
static double f_round(double x, double a, double b) { return rint(x); }
static double f_erf(double x, double a, double b) { return erf(x); }
static double f_sin(double x, double a, double b) { return sin(x); }
static double f_cos(double x, double a, double b) { return cos(x); }
static double f_sign(double x, double a, double b) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double f_square(double x, double a, double b) { return x * x; }
static double f_none(double x, double a, double b) { return x; }
static double f_clamp(double x, double a, double b) { return x < a ? a : x > b ? b : x; }
static double f_leaky(double x, double a, double b) { return x < 0 ? a * x : x; }
static double f_hsigmoid(double x, double a, double b) { return f_clamp(a * x + b, 0, 1); }
static double f_hswish(double x, double a, double b) { return x * f_clamp(x / 6 + 0.5, 0, 1); }
static double f_sigmoid(double x, double a, double b) { return 1 / (1 + exp(-x)); }
static double f_silu(double x, double a, double b) { return x / (1 + exp(-x)); }
static double f_tanh(double x, double a, double b) { return tanh(x); }
static double f_gelu(double x, double a, double b) { return x == -INFINITY ? NAN : 0.5 * x * erfc(-x * 0.70710678118654752); }
static double f_gelu_tanh(double x, double a, double b) {
    return x == -INFINITY ? NAN : x / (1 + exp(-2 * 0.79788456080286536 * (x + 0.044715 * x * x * x)));
}
static double f_elu(double x, double a, double b) { return x < 0 ? a * expm1(x) : x; }
static double f_softplus(double x, double a, double b) { return fmax(x, 0) + (x != x ? x : log1p(exp(-fabs(x)))); }
static double f_mish(double x, double a, double b) { return x == -INFINITY ? NAN : x * tanh(f_softplus(x, 0, 0)); }

typedef struct function {
    const char* name;
    el_unary_op op;
    el_act act;
    double (*f)(double, double, double);
    double ulps, absolute; /* allowed error: ulps of the float result, plus this */
} function;

/* silu at -inf is -inf * 0 = NaN as in every framework; the formula above gives it by -inf / inf. */
static const function functions[] = {
    {"abs", EL_UNARY_ABS, {0}, f_abs, 0, 0},
    {"neg", EL_UNARY_NEG, {0}, f_neg, 0, 0},
    {"exp", EL_UNARY_EXP, {0}, f_exp, 2, 0},
    {"log", EL_UNARY_LOG, {0}, f_log, 2, 0},
    {"sqrt", EL_UNARY_SQRT, {0}, f_sqrt, 0.51, 0},
    {"rsqrt", EL_UNARY_RSQRT, {0}, f_rsqrt, 1.6, 0},
    {"reciprocal", EL_UNARY_RECIPROCAL, {0}, f_reciprocal, 0.51, 0},
    {"floor", EL_UNARY_FLOOR, {0}, f_floor, 0, 0},
    {"ceil", EL_UNARY_CEIL, {0}, f_ceil, 0, 0},
    {"round", EL_UNARY_ROUND, {0}, f_round, 0, 0},
    {"erf", EL_UNARY_ERF, {0}, f_erf, 6, 0},
    {"sin", EL_UNARY_SIN, {0}, f_sin, 0, 1.2e-7},
    {"cos", EL_UNARY_COS, {0}, f_cos, 0, 1.2e-7},
    {"sign", EL_UNARY_SIGN, {0}, f_sign, 0, 0},
    {"square", EL_UNARY_SQUARE, {0}, f_square, 0.51, 0},
    {"none", EL_UNARY_ACT, {EL_ACT_NONE, 0, 0}, f_none, 0, 0},
    {"relu", EL_UNARY_ACT, {EL_ACT_CLAMP, 0, INFINITY}, f_clamp, 0, 0},
    {"relu6", EL_UNARY_ACT, {EL_ACT_CLAMP, 0, 6}, f_clamp, 0, 0},
    {"leaky_relu", EL_UNARY_ACT, {EL_ACT_LEAKY_RELU, 0.125f, 0}, f_leaky, 0.51, 0},
    {"hard_sigmoid", EL_UNARY_ACT, {EL_ACT_HARD_SIGMOID, 0.25f, 0.5f}, f_hsigmoid, 2, 1e-7},
    {"hard_swish", EL_UNARY_ACT, {EL_ACT_HARD_SWISH, 0, 0}, f_hswish, 4, 2e-7},
    {"sigmoid", EL_UNARY_ACT, {EL_ACT_SIGMOID, 0, 0}, f_sigmoid, 18, 0x1p-42},
    {"silu", EL_UNARY_ACT, {EL_ACT_SILU, 0, 0}, f_silu, 18, 0x1p-38},
    {"tanh", EL_UNARY_ACT, {EL_ACT_TANH, 0, 0}, f_tanh, 4, 0},
    {"gelu", EL_UNARY_ACT, {EL_ACT_GELU, 0, 0}, f_gelu, 8, 1e-6},
    {"gelu_tanh", EL_UNARY_ACT, {EL_ACT_GELU_TANH, 0, 0}, f_gelu_tanh, 8, 1e-6},
    {"elu", EL_UNARY_ACT, {EL_ACT_ELU, 1.5f, 0}, f_elu, 4, 0},
    {"softplus", EL_UNARY_ACT, {EL_ACT_SOFTPLUS, 0, 0}, f_softplus, 6, 0},
    {"mish", EL_UNARY_ACT, {EL_ACT_MISH, 0, 0}, f_mish, 8, 0x1p-119},
};

/* Distance of a float from the exact value in units in the last place of the rounded value. */
static double ulps(float got, double want) {
    float rounded = (float)want;
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (isinf(rounded) || isinf(got)) {
        /* One step beyond the largest float counts as one unit. */
        if (rounded == got) return 0;
        return isinf(got) && fabs(want) > 3.4028230e38 && (got > 0) == (want > 0) ? 1 : INFINITY;
    }
    int e;
    frexp(want, &e);
    return fabs((double)got - want) / ldexp(1, (e < -125 ? -125 : e) - 24);
}

static void sweep(const function* f) {
    enum { CHUNK = 4096 };
    static float x[CHUNK], y[CHUNK];
    static double want[CHUNK];
    double worst[16] = {0};
    float worst_x[16] = {0};
    const float special[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1, -1, 0x1p-149f, -0x1p-149f, 0x1p-126f, 3.4028234e38f, -3.4028234e38f,
                             88.72283f, 88.72284f, -103.97208f, -103.97209f, 0.5f, 1.5f, 2.5f, -0.5f, 8388607.5f, 8192, 8193, 1e30f};
    uint64_t bits = 0;
    el_unary_params p = {CHUNK, f->op, f->act};
    const el_kernel* k;
    for (int last = 0; !last;) {
        for (int i = 0; i < CHUNK; i++, bits += SWEEP) {
            uint32_t b = (uint32_t)bits;
            memcpy(&x[i], &b, 4);
            if (i < LENGTH(special) && bits < CHUNK * (uint64_t)SWEEP) x[i] = special[i];
            want[i] = f->f(x[i], f->act.a, f->act.b);
            if (f->f == f_silu && x[i] == -INFINITY) want[i] = NAN;
        }
        last = bits >> 32 != 0;
        for (uint32_t v = 0; (k = th_variant("unary_f32", v)); v++) {
            el_kernel_run(k, &(el_ctx){0}, &p, (void*[]){x, y});
            for (int i = 0; i < CHUNK; i++) {
                double d = ulps(y[i], want[i]);
                if (d > f->ulps && isfinite(want[i]) && fabs(y[i] - want[i]) <= f->absolute) continue;
                if (d > worst[v]) worst[v] = d, worst_x[v] = x[i];
            }
        }
    }
    for (uint32_t v = 0; (k = th_variant("unary_f32", v)); v++) {
        th_checks++;
        if (worst[v] > f->ulps)
            th_fail("%s (%s): %.3g ulp at %.9g, allowed %g", f->name, el_isa_name(k->isa), worst[v], (double)worst_x[v], f->ulps);
        if (f->ulps > 1 || f->absolute > 0) printf("  %-12s %-7s %.2f ulp at %.9g\n", f->name, el_isa_name(k->isa), worst[v], (double)worst_x[v]);
    }
}

static void test_unary_lengths(void) {
    static const int64_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 67, 70001};
    const el_kernel* k;
    for (int n = 0; n < LENGTH(lengths); n++)
        for (int f = 0; f < LENGTH(functions); f++)
            for (uint32_t v = 0; (k = th_variant("unary_f32", v)); v++)
                for (int inplace = 0; inplace < 2; inplace++) {
                    el_unary_params p = {lengths[n], functions[f].op, functions[f].act};
                    size_t count = (size_t)p.count;
                    float *x = th_floats(count), *y = inplace ? x : th_floats(count), *want = th_floats(count);
                    th_fill_f32(x, count, -4, 4);
                    for (size_t i = 0; i < count; i++) want[i] = (float)functions[f].f(x[i], p.act.a, p.act.b);
                    th_run(k, &p, (void*[]){x, y}, 1 + n % 2);
                    char what[96];
                    snprintf(what, sizeof what, "unary %s n=%d (%s)", functions[f].name, (int)count, el_isa_name(k->isa));
                    th_close_f32(what, y, want, count, 1e-6f, 1e-6f);
                    th_free_all();
                }
}

/* ---- broadcasting ---------------------------------------------------------------------------------------------- */

typedef struct shape { int32_t rank; int64_t dims[5], a[5], b[5]; /* 1 where the operand repeats */ } shape;
static const shape shapes[] = {
    {1, {1}, {1}, {1}}, {1, {37}, {37}, {37}}, {1, {131}, {131}, {1}}, {1, {131}, {1}, {131}}, {0, {0}, {0}, {0}},
    {2, {9, 21}, {9, 21}, {1, 21}}, {2, {9, 21}, {1, 21}, {9, 21}}, {2, {9, 21}, {9, 21}, {9, 1}}, {2, {9, 21}, {9, 1}, {1, 21}},
    {3, {4, 5, 19}, {4, 5, 19}, {4, 1, 19}}, {3, {4, 5, 3}, {4, 5, 3}, {4, 1, 3}}, {4, {2, 3, 4, 5}, {2, 1, 4, 1}, {1, 3, 1, 5}},
    {4, {2, 3, 4, 5}, {2, 3, 4, 5}, {1, 3, 1, 1}}, {3, {3, 1, 7}, {3, 1, 7}, {3, 1, 7}}, {2, {3, 0}, {3, 0}, {1, 0}},
    {1, {150001}, {150001}, {150001}}, {2, {3, 70001}, {3, 70001}, {1, 70001}}, {2, {5003, 33}, {5003, 33}, {1, 33}},
    {2, {203, 10}, {203, 10}, {1, 10}}, {2, {203, 3}, {1, 3}, {203, 3}}, {3, {2, 131, 63}, {2, 131, 63}, {1, 1, 63}},
};

static int64_t strides_of(int32_t rank, const int64_t* dims, int64_t* stride) {
    int64_t n = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        stride[d] = dims[d] == 1 ? 0 : n;
        n *= dims[d];
    }
    return n;
}
static int64_t offset_of(int32_t rank, const int64_t* dims, const int64_t* stride, int64_t i) {
    int64_t at = 0;
    for (int32_t d = rank - 1; d >= 0; d--) at += i % dims[d] * stride[d], i /= dims[d];
    return at;
}

static double apply(int op, double a, double b) {
    switch (op) {
    case EL_BINARY_ADD: return a + b;
    case EL_BINARY_SUB: return a - b;
    case EL_BINARY_MUL: return a * b;
    case EL_BINARY_DIV: return a / b;
    case EL_BINARY_MIN: return isnan(a) || isnan(b) ? NAN : fmin(a, b);
    case EL_BINARY_MAX: return isnan(a) || isnan(b) ? NAN : fmax(a, b);
    case EL_BINARY_POW: return pow(a, b);
    default: return a < 0 ? a * b : a;
    }
}

static void sprinkle(float* x, int64_t n) { /* a few special values */
    const float special[] = {NAN, INFINITY, -INFINITY, 0, -0.0f};
    for (int k = 0; n > 8 && k < LENGTH(special); k++) x[th_u32() % (uint32_t)n] = special[k];
}

static void test_binary(void) {
    const el_kernel* k;
    const el_act acts[] = {{EL_ACT_NONE, 0, 0}, {EL_ACT_CLAMP, 0, 6}, {EL_ACT_TANH, 0, 0}};
    double (*const act_f[])(double, double, double) = {f_none, f_clamp, f_tanh};
    for (int s = 0; s < LENGTH(shapes); s++)
        for (int op = 0; op < EL_BINARY_COUNT_; op++)
            for (int c = 0; c < 3; c++) {
                const shape* h = &shapes[s];
                el_binary_params p = {.rank = h->rank, .op = op, .act = acts[c]};
                memcpy(p.dims, h->dims, sizeof h->dims);
                size_t an = (size_t)strides_of(h->rank, h->a, p.a_stride), bn = (size_t)strides_of(h->rank, h->b, p.b_stride);
                int64_t unused[5];
                size_t n = (size_t)strides_of(h->rank, h->dims, unused);
                float *a = th_floats(an), *b = th_floats(bn), *want = th_floats(n);
                th_fill_f32(a, an, -3, 3), th_fill_f32(b, bn, -3, 3);
                sprinkle(a, (int64_t)an), sprinkle(b, (int64_t)bn);
                if (op == EL_BINARY_POW && bn == 1) *b = (const float[]){2, 0.5f, -1.5f}[c];
                for (size_t i = 0; i < n; i++) {
                    double v = apply(op, a[offset_of(h->rank, p.dims, p.a_stride, (int64_t)i)], b[offset_of(h->rank, p.dims, p.b_stride, (int64_t)i)]);
                    want[i] = (float)act_f[c](v, p.act.a, p.act.b);
                }
                for (uint32_t v = 0; (k = th_variant("binary_f32", v)); v++)
                    for (int inplace = 0; inplace < 3; inplace++) {
                        if ((inplace == 1 && an != n) || (inplace == 2 && bn != n)) continue;
                        float *a2 = th_floats(an), *b2 = th_floats(bn), *y = inplace == 1 ? a2 : inplace == 2 ? b2 : th_floats(n);
                        memcpy(a2, a, an * 4), memcpy(b2, b, bn * 4);
                        th_run(k, &p, (void*[]){a2, b2, y}, 1 + (s + c) % 2);
                        char what[96];
                        snprintf(what, sizeof what, "binary op %d shape %d act %d place %d (%s)", op, s, c, inplace, el_isa_name(k->isa));
                        th_close_f32(what, y, want, n, 1e-6f, 1e-6f);
                        th_free(a2), th_free(b2);
                        if (!inplace) th_free(y);
                    }
                th_free_all();
            }
    /* Permuted and reversed operands: any stride works. */
    el_binary_params p = {.rank = 2, .op = EL_BINARY_SUB, .dims = {7, 19}, .a_stride = {1, 7}, .b_stride = {19, -1}};
    float *a = th_floats(133), *b = th_floats(133), want[133], *y = th_floats(133);
    th_fill_f32(a, 133, -3, 3), th_fill_f32(b, 133, -3, 3);
    for (int r = 0; r < 7; r++)
        for (int c = 0; c < 19; c++) want[r * 19 + c] = a[r + c * 7] - b[r * 19 + 18 - c];
    for (uint32_t v = 0; (k = th_variant("binary_f32", v)); v++) {
        th_run(k, &p, (void*[]){a, b + 18, y}, 1);
        th_close_f32("binary permuted", y, want, 133, 0, 0);
    }
    th_free_all();
}

static void test_where(void) {
    const el_kernel* k;
    for (int s = 0; s < LENGTH(shapes); s++)
        for (int form = 0; form < 3; form++) { /* which operand is the full one */
            const shape* h = &shapes[s];
            el_where_params p = {.rank = h->rank};
            memcpy(p.dims, h->dims, sizeof h->dims);
            const int64_t* dims[3] = {form == 0 ? h->dims : h->a, form == 1 ? h->dims : h->b, form == 2 ? h->dims : h->a};
            int64_t unused[5];
            size_t cn = (size_t)strides_of(h->rank, dims[0], p.c_stride), an = (size_t)strides_of(h->rank, dims[1], p.a_stride),
                   bn = (size_t)strides_of(h->rank, dims[2], p.b_stride), n = (size_t)strides_of(h->rank, h->dims, unused);
            uint8_t* c = th_alloc(cn, 1);
            float *a = th_floats(an), *b = th_floats(bn), *y = th_floats(n), *want = th_floats(n);
            for (size_t i = 0; i < cn; i++) c[i] = (const uint8_t[]){0, 1, 0, 255, 128}[th_u32() % 5];
            th_fill_f32(a, an, 1, 2), th_fill_f32(b, bn, -2, -1);
            sprinkle(a, (int64_t)an);
            for (size_t i = 0; i < n; i++)
                want[i] = c[offset_of(h->rank, p.dims, p.c_stride, (int64_t)i)] ? a[offset_of(h->rank, p.dims, p.a_stride, (int64_t)i)]
                                                                               : b[offset_of(h->rank, p.dims, p.b_stride, (int64_t)i)];
            for (uint32_t v = 0; (k = th_variant("where_f32", v)); v++) {
                memset(y, 0xA5, n * 4);
                th_run(k, &p, (void*[]){c, a, b, y}, 1 + s % 2);
                th_close_f32("where", y, want, n, 0, 0);
            }
            th_free_all();
        }
}

/* What the peak kernels say they did grows with the rounds, and they read exactly their memory (guarded). */
static void test_peaks(void) {
    static const char* const names[] = {"peak_f32", "peak_s8", "peak_read"};
    const el_kernel* k;
    for (int i = 0; i < 3; i++)
        for (uint32_t v = 0; (k = th_variant(names[i], v)); v++) {
            double done[2] = {0, 0};
            char* memory = th_alloc(4096, 64);
            memset(memory, 0, 4096);
            for (int round = 0; round < 2; round++) {
                el_peak_params p = {round + 1, 4096};
                th_run(k, &p, (void*[]){&done[round], memory, th_alloc(64, 64)}, 1);
            }
            th_checks++;
            if (done[0] <= 0 || done[1] != 2 * done[0] || (i == 2 && done[0] != 4096)) th_fail("%s (%s): %g and %g done", names[i], el_isa_name(k->isa), done[0], done[1]);
            th_free_all();
        }
}

int main(void) {
    test_peaks();
    for (int f = 0; f < LENGTH(functions); f++) sweep(&functions[f]);
    test_unary_lengths();
    test_binary();
    test_where();
    return th_report("test_tensor");
}
