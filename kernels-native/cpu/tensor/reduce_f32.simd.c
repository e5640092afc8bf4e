/* inner == 1: a row is folded in four vectors of lanes; blocks of BLOCK elements end in one float, and those are added in
 * double. inner > 1: four vectors of neighbouring results stay in registers while the axis is walked, again in blocks whose
 * sums are added to a second set. Lanes past the end are filled with the neutral element. */
#include "el_nd.h"
#include "el_simd.h"

#define BLOCK 4096 /* elements of a row in one float sum: at most BLOCK / (4 EL_VF) in a lane */
#define STRETCH 128 /* positions of the axis in one float sum */

typedef struct job {
    const el_reduce_params* p;
    const float* x;
    float* y;
} job;

static inline float neutral(int32_t op) {
    return op == EL_REDUCE_MAX ? -INFINITY : op == EL_REDUCE_MIN ? INFINITY : op == EL_REDUCE_PROD ? 1.0f : 0.0f;
}

static inline __attribute__((always_inline)) el_vf fold(int32_t op, el_vf acc, el_vf v) {
    switch (op) {
    case EL_REDUCE_MAX: return el_vmax_nan(acc, v);
    case EL_REDUCE_MIN: return el_vmin_nan(acc, v);
    case EL_REDUCE_PROD: return el_vmul(acc, v);
    case EL_REDUCE_SUM_SQUARE:
    case EL_REDUCE_L2: return el_vfma(v, v, acc);
    case EL_REDUCE_L1: return el_vadd(acc, el_vabs(v));
    default: return el_vadd(acc, v);
    }
}

/* Two partial results of the same kind: squares and magnitudes are sums by now. */
static inline __attribute__((always_inline)) el_vf join(int32_t op, el_vf a, el_vf b) {
    int32_t partial = op == EL_REDUCE_SUM_SQUARE || op == EL_REDUCE_L2 || op == EL_REDUCE_L1 ? EL_REDUCE_SUM : op;
    return fold(partial, a, b);
}

static inline float finish(int32_t op, double r, int64_t axis) {
    if (op == EL_REDUCE_MEAN) return axis ? (float)(r / (double)axis) : NAN;
    return op == EL_REDUCE_L2 ? (float)sqrt(r) : (float)r;
}

static inline float across(int32_t op, el_vf v) {
    float t[EL_VF];
    if (op != EL_REDUCE_MAX && op != EL_REDUCE_MIN && op != EL_REDUCE_PROD) return el_vhsum(v);
    el_vstore(t, v);
    float r = t[0];
    for (int k = 1; k < EL_VF; k++) {
        if (op == EL_REDUCE_PROD) r *= t[k];
        else if (t[k] != t[k] || (op == EL_REDUCE_MAX ? t[k] > r : t[k] < r)) r = t[k];
    }
    return r;
}

static inline __attribute__((always_inline)) void reduce_rows(int32_t op, const job* j, int64_t begin, int64_t end) {
    const int64_t axis = j->p->axis;
    const float zero = neutral(op);
    const int adds = op != EL_REDUCE_MAX && op != EL_REDUCE_MIN && op != EL_REDUCE_PROD;
    for (int64_t o = begin; o < end; o++) {
        const float* x = j->x + o * axis;
        double total = zero;
        for (int64_t b = 0; b < axis; b += BLOCK) {
            int64_t n = axis - b < BLOCK ? axis - b : BLOCK, i = 0;
            const float* v = x + b;
            el_vf a0 = el_vset1(zero), a1 = a0, a2 = a0, a3 = a0;
            for (; i + 4 * EL_VF <= n; i += 4 * EL_VF) {
                a0 = fold(op, a0, el_vload(v + i));
                a1 = fold(op, a1, el_vload(v + i + EL_VF));
                a2 = fold(op, a2, el_vload(v + i + 2 * EL_VF));
                a3 = fold(op, a3, el_vload(v + i + 3 * EL_VF));
            }
            for (; i + EL_VF <= n; i += EL_VF) a0 = fold(op, a0, el_vload(v + i));
            if (i < n) a1 = fold(op, a1, el_vselect(el_vfirst(n - i), el_vload_n(v + i, n - i), el_vset1(zero)));
            float r = across(op, join(op, join(op, a0, a1), join(op, a2, a3)));
            if (adds) total += r;
            else if (op == EL_REDUCE_PROD) total *= r;
            else if (r != r || (op == EL_REDUCE_MAX ? r > total : r < total)) total = r;
        }
        j->y[o] = finish(op, total, axis);
    }
}

static inline __attribute__((always_inline)) el_vf finish_v(int32_t op, el_vf v, int64_t axis) {
    if (op == EL_REDUCE_MEAN) return axis ? el_vdiv(v, el_vset1((float)axis)) : el_vset1(NAN);
    return op == EL_REDUCE_L2 ? el_vsqrt(v) : v;
}

/* V vectors of columns of one outer position, or n <= EL_VF columns where V is 1. Every column is summed in the same order, so that equal columns have equal
 * results. Stretches go from the last to the first: what was written last is in the cache, and what is read next begins at the first. */
static inline __attribute__((always_inline)) void some_vectors(int32_t op, const float* x, float* y, int64_t axis, int64_t inner, int64_t n, const int V) {
    el_vf total[4];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) total[v] = el_vset1(neutral(op));
    for (int64_t stop = axis; stop > 0; stop = (stop - 1) / STRETCH * STRETCH) {
        el_vf acc[4];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) acc[v] = el_vset1(neutral(op));
        for (int64_t k = (stop - 1) / STRETCH * STRETCH; k < stop; k++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) acc[v] = fold(op, acc[v], V > 1 ? el_vload(x + k * inner + v * EL_VF) : el_vload_n(x + k * inner, n));
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) total[v] = join(op, total[v], acc[v]);
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
        if (V > 1) el_vstore(y + v * EL_VF, finish_v(op, total[v], axis));
        else el_vstore_n(y, finish_v(op, total[v], axis), n);
    }
}

/* Items are blocks of 4 EL_VF columns, of every outer position. */
static inline __attribute__((always_inline)) void reduce_columns(int32_t op, const job* j, int64_t begin, int64_t end) {
    const int64_t axis = j->p->axis, inner = j->p->inner, wide = 4 * EL_VF, blocks = (inner + wide - 1) / wide;
    for (int64_t item = begin; item < end; item++) {
        int64_t o = item / blocks, c = item % blocks * wide, stop = c + wide < inner ? c + wide : inner;
        const float* x = j->x + o * axis * inner;
        float* y = j->y + o * inner;
        if (stop - c == wide) {
            some_vectors(op, x + c, y + c, axis, inner, EL_VF, 4);
            continue;
        }
        for (; c < stop; c += EL_VF) some_vectors(op, x + c, y + c, axis, inner, stop - c < EL_VF ? stop - c : EL_VF, 1);
    }
}

#define EACH_OPERATION(call)                                                                                            \
    switch ((el_reduce_op)j->p->op) {                                                                                   \
    case EL_REDUCE_SUM: call(EL_REDUCE_SUM, j, begin, end); break;                                                      \
    case EL_REDUCE_MEAN: call(EL_REDUCE_MEAN, j, begin, end); break;                                                    \
    case EL_REDUCE_MAX: call(EL_REDUCE_MAX, j, begin, end); break;                                                      \
    case EL_REDUCE_MIN: call(EL_REDUCE_MIN, j, begin, end); break;                                                      \
    case EL_REDUCE_PROD: call(EL_REDUCE_PROD, j, begin, end); break;                                                    \
    case EL_REDUCE_SUM_SQUARE: call(EL_REDUCE_SUM_SQUARE, j, begin, end); break;                                        \
    case EL_REDUCE_L2: call(EL_REDUCE_L2, j, begin, end); break;                                                        \
    case EL_REDUCE_L1: call(EL_REDUCE_L1, j, begin, end); break;                                                        \
    case EL_REDUCE_COUNT_: break;                                                                                       \
    }

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    EACH_OPERATION(reduce_rows)
}

static void some_columns(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    EACH_OPERATION(reduce_columns)
}

EL_KERNEL_SIMD(reduce_f32, el_reduce_params)
void EL_SIMD_NAME(reduce_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_reduce_params* p = params_;
    job j = {p, buffers[0], buffers[1]};
    const int64_t grain = EL_ELEMENTS_PER_PIECE;
    if (p->inner == 1) el_parallel(ctx, p->outer, grain / (p->axis + 1) + 1, some_rows, &j);
    else
        el_parallel(ctx, p->outer * ((p->inner + 4 * EL_VF - 1) / (4 * EL_VF)), grain / ((p->axis + 1) * 4 * EL_VF) + 1,
                    some_columns, &j);
}
