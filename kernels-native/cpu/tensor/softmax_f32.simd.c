/* A row at a time, three passes in cache: maximum, exponentials and their sum, scaling. Sums of BLOCK elements are added in
 * double. Lanes past the end count as -inf, so their exponential is 0. */
#include "el_nd.h"
#include "el_vmath.h"

#define BLOCK 4096

typedef struct job {
    const el_softmax_params* p;
    const float* x;
    float* y;
} job;

static inline el_vf load_tail(const float* x, int64_t n) {
    return el_vselect(el_vfirst(n), el_vload_n(x, n), el_vset1(-INFINITY));
}

static float maximum(const float* x, int64_t n) {
    el_vf a = el_vset1(-INFINITY), b = a;
    int64_t i = 0;
    for (; i + 2 * EL_VF <= n; i += 2 * EL_VF) {
        a = el_vmax(el_vload(x + i), a); /* a NaN is passed over here and comes out of its exponential */
        b = el_vmax(el_vload(x + i + EL_VF), b);
    }
    for (; i + EL_VF <= n; i += EL_VF) a = el_vmax(el_vload(x + i), a);
    if (i < n) b = el_vmax(load_tail(x + i, n - i), b);
    return el_vhmax(el_vmax(a, b));
}

/* sum exp(x - max); the exponentials go to y unless y is NULL. */
static double exponentials(const float* x, float* y, int64_t n, float max) {
    const el_vf m = el_vset1(max);
    double sum = 0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t end = n - b < BLOCK ? n : b + BLOCK, i = b;
        el_vf s0 = el_vzero(), s1 = s0;
        for (; i + 2 * EL_VF <= end; i += 2 * EL_VF) {
            el_vf e0 = el_vexp(el_vsub(el_vload(x + i), m)), e1 = el_vexp(el_vsub(el_vload(x + i + EL_VF), m));
            if (y) el_vstore(y + i, e0), el_vstore(y + i + EL_VF, e1);
            s0 = el_vadd(s0, e0);
            s1 = el_vadd(s1, e1);
        }
        for (; i < end; i += EL_VF) {
            int64_t k = end - i < EL_VF ? end - i : EL_VF;
            el_vf e = el_vexp(el_vsub(load_tail(x + i, k), m));
            if (y) el_vstore_n(y + i, e, k);
            s0 = el_vadd(s0, el_vselect(el_vfirst(k), e, el_vzero()));
        }
        sum += el_vhsum(el_vadd(s0, s1));
    }
    return sum;
}

/* y = x * scale, or x + scale. */
static void scale_row(const float* x, float* y, int64_t n, float scale, int add) {
    const el_vf s = el_vset1(scale);
    int64_t i = 0;
    for (; i + EL_VF <= n; i += EL_VF) el_vstore(y + i, add ? el_vadd(el_vload(x + i), s) : el_vmul(el_vload(x + i), s));
    if (i < n) {
        el_vf v = el_vload_n(x + i, n - i);
        el_vstore_n(y + i, add ? el_vadd(v, s) : el_vmul(v, s), n - i);
    }
}

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const int64_t depth = j->p->depth;
    for (int64_t r = begin; r < end; r++) {
        const float* x = j->x + r * depth;
        float *y = j->y + r * depth, max = maximum(x, depth);
        if (j->p->is_log) {
            /* (x - max) - log sum in two steps: max may dwarf the logarithm. */
            double sum = exponentials(x, NULL, depth, max);
            scale_row(x, y, depth, -max, 1);
            scale_row(y, y, depth, (float)-log(sum), 1);
        } else {
            double sum = exponentials(x, y, depth, max);
            scale_row(y, y, depth, (float)(1.0 / sum), 0);
        }
    }
}

EL_KERNEL_SIMD(softmax_f32, el_softmax_params)
void EL_SIMD_NAME(softmax_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_softmax_params* p = params_;
    if (p->depth == 0) return;
    job j = {p, buffers[0], buffers[1]};
    el_parallel(ctx, p->rows, EL_ELEMENTS_PER_PIECE / 4 / p->depth + 1, some_rows, &j);
}
