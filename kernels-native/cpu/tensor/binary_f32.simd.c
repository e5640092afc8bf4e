/* Rows of the merged shape, in four forms: both operands move, one repeats, both repeat (only when y has one element a
 * row); any other stride goes through single elements. The tail of a row is one masked vector.
 *
 * No activation is a clamp to +-infinity, so that the usual epilogues (none, Relu, Relu6) cost a min and a max. */
#include "el_nd.h"
#include "el_vmath.h"

typedef struct job {
    const el_binary_params* p;
    const float *a, *b;
    float* y;
} job;

typedef struct epilogue {
    el_vf lo, hi;
    el_act act;
    int simple;
} epilogue;

static __attribute__((noinline)) el_vf activate(const epilogue* e, el_vf v) { return el_vact(e->act, v); }
static inline el_vf finish(const epilogue* e, el_vf v) { return e->simple ? el_vclamp(v, e->lo, e->hi) : activate(e, v); }

static el_vf vpow(el_vf a, el_vf b) {
    float x[EL_VF], e[EL_VF];
    el_vstore(x, a);
    el_vstore(e, b);
    for (int i = 0; i < EL_VF; i++) x[i] = powf(x[i], e[i]);
    return el_vload(x);
}

#define ROWS(load_a, load_a_n, load_b, load_b_n, expression)                                                            \
    for (; rows > 0; rows--, a += ar, b += br, y += yr) {                                                               \
        int64_t i = 0;                                                                                                  \
        for (; i + EL_VF <= n; i += EL_VF) {                                                                            \
            el_vf va = load_a, vb = load_b;                                                                             \
            el_vstore(y + i, finish(e, expression));                                                                    \
        }                                                                                                               \
        if (i < n) {                                                                                                    \
            el_vf va = load_a_n, vb = load_b_n;                                                                         \
            el_vstore_n(y + i, finish(e, expression), n - i);                                                           \
        }                                                                                                               \
    }
/* Rows of n elements; ar, br, yr: from row to row. */
#define OPERATION(name, expression)                                                                                     \
    static void name(const epilogue* e, int64_t rows, int64_t n, const float* a, int64_t ar, int64_t as, const float* b, \
                     int64_t br, int64_t bs, float* y, int64_t yr) {                                                    \
        if (as && bs) ROWS(el_vload(a + i), el_vload_n(a + i, n - i), el_vload(b + i), el_vload_n(b + i, n - i), expression) \
        else if (as) ROWS(el_vload(a + i), el_vload_n(a + i, n - i), el_vset1(*b), el_vset1(*b), expression)            \
        else if (bs) ROWS(el_vset1(*a), el_vset1(*a), el_vload(b + i), el_vload_n(b + i, n - i), expression)            \
        else ROWS(el_vset1(*a), el_vset1(*a), el_vset1(*b), el_vset1(*b), expression)                                   \
    }

OPERATION(add, el_vadd(va, vb))
OPERATION(sub, el_vsub(va, vb))
OPERATION(mul, el_vmul(va, vb))
OPERATION(div_, el_vdiv(va, vb))
OPERATION(min_, el_vmin_nan(va, vb))
OPERATION(max_, el_vmax_nan(va, vb))
OPERATION(pow_, vpow(va, vb))
OPERATION(prelu, el_vprelu(va, vb))

#define SHORT_ROW 64

typedef void (*rows_fn)(const epilogue* e, int64_t rows, int64_t n, const float* a, int64_t ar, int64_t as, const float* b, int64_t br, int64_t bs, float* y,
                        int64_t yr);
static rows_fn const operations[EL_BINARY_COUNT_] = {add, sub, mul, div_, min_, max_, pow_, prelu};

/* Rows of few elements that lie one behind the other, and of which one operand is the same row each time: as many rows as a vector has lanes are one long
 * row, over the repeated one written out as often. Computes whole groups of rows and returns how many. */
static __attribute__((noinline)) int64_t joined_rows(rows_fn operation, const epilogue* e, int64_t rows, int64_t n, const float* a, const float* b, int b_repeats,
                                                     float* y) {
    float tile[SHORT_ROW * EL_VF];
    const int64_t wide = n * EL_VF, groups = rows / EL_VF;
    const float* repeated = b_repeats ? b : a;
    for (int64_t i = 0; i < wide; i++) tile[i] = i < n ? repeated[i] : tile[i - n];
    if (b_repeats) operation(e, groups, wide, a, wide, 1, tile, 0, 1, y, wide);
    else operation(e, groups, wide, tile, 0, 1, b, wide, 1, y, wide);
    return groups * EL_VF;
}

static void rows(const void* arg, const el_nd* nd, int64_t count, const int64_t* offsets, int64_t first) {
    const job* j = arg;
    const el_act act = j->p->act;
    int clamps = act.kind == EL_ACT_CLAMP;
    epilogue e = {el_vset1(clamps ? act.a : -INFINITY), el_vset1(clamps ? act.b : INFINITY), act,
                  clamps || act.kind == EL_ACT_NONE};
    int32_t d = nd->rank - 1;
    int64_t as = nd->stride[0][d], bs = nd->stride[1][d], cols = nd->dims[d];
    int64_t ar = d ? nd->stride[0][d - 1] : 0, br = d ? nd->stride[1][d - 1] : 0;
    rows_fn operation = operations[j->p->op];
    int strided = (as != 0 && as != 1) || (bs != 0 && bs != 1);
    if (!strided) {
        const float *a = j->a + offsets[0] + nd->begin * as, *b = j->b + offsets[1] + nd->begin * bs;
        const int one_repeats = as && bs && ((ar == cols && br == 0) || (ar == 0 && br == cols));
        int64_t done = 0;
        if (one_repeats && cols < SHORT_ROW && cols % EL_VF && nd->end - nd->begin == cols && count >= 4 * EL_VF)
            done = joined_rows(operation, &e, count, cols, a, b, br == 0, j->y + first * cols);
        operation(&e, count - done, nd->end - nd->begin, a + done * ar, ar, as, b + done * br, br, bs, j->y + (first + done) * cols + nd->begin, cols);
        return;
    }
    for (int64_t r = 0; r < count; r++) {
        const float *a = j->a + offsets[0] + r * ar, *b = j->b + offsets[1] + r * br;
        float* y = j->y + (first + r) * cols;
        for (int64_t i = nd->begin; i < nd->end; i += EL_VF) { /* gathers a vector at a time */
            float ta[EL_VF] = {0}, tb[EL_VF] = {0};
            int64_t n = nd->end - i < EL_VF ? nd->end - i : EL_VF;
            for (int64_t k = 0; k < n; k++) ta[k] = a[(i + k) * as], tb[k] = b[(i + k) * bs];
            operation(&e, 1, n, ta, 0, 1, tb, 0, 1, y + i, 0);
        }
    }
}

/* x^2 = x*x; x^0.5 = sqrt x (with powf's +0 and +inf for -0 and -inf): the same rows with b = a, or over roots. */
static void root_piece(void* arg, int64_t i, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_vf inf = el_vset1(INFINITY);
    for (; i < end; i += EL_VF) {
        int64_t n = end - i < EL_VF ? end - i : EL_VF;
        el_vf v = el_vload_n(j->a + i, n);
        v = el_vselect(el_veq(v, el_vneg(inf)), inf, el_vsqrt(el_vadd(v, el_vzero())));
        el_vstore_n(j->y + i, el_vact(j->p->act, v), n);
    }
}

/* The few exponents that powers mostly have, where b is one number. */
static int constant_power(const el_ctx* ctx, const job* j, const el_nd* nd) {
    if (j->p->op != EL_BINARY_POW || nd->rank != 1 || nd->stride[0][0] != 1 || nd->stride[1][0] != 0) return 0;
    if (*j->b == 0.5f) {
        job root = *j;
        el_parallel(ctx, nd->end, EL_ELEMENTS_PER_PIECE, root_piece, &root);
        return 1;
    }
    if (*j->b != 2.0f) return 0;
    el_binary_params square = *j->p;
    square.op = EL_BINARY_MUL;
    job s = *j;
    s.p = &square;
    s.b = s.a;
    el_nd same = *nd;
    same.stride[1][0] = 1;
    el_nd_parallel(ctx, &same, EL_ELEMENTS_PER_PIECE, rows, &s);
    return 1;
}

EL_KERNEL_SIMD(binary_f32, el_binary_params)
void EL_SIMD_NAME(binary_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_binary_params* p = params_;
    const job j = {.p = p, .a = buffers[0], .b = buffers[1], .y = buffers[2]};
    const int64_t* strides[2] = {p->a_stride, p->b_stride};
    const el_nd nd = el_nd_merge(p->rank, p->dims, 2, strides);
    if (nd.end == 0 || constant_power(ctx, &j, &nd)) return;
    el_nd_parallel(ctx, &nd, p->op == EL_BINARY_POW ? EL_ELEMENTS_PER_PIECE / 16 : EL_ELEMENTS_PER_PIECE, rows, &j);
}
