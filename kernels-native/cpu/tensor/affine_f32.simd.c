/* The scales repeat with period `depth`. Below SHORT channels they are first repeated EL_VF times, which makes whole vectors
 * of any depth; then a period of data is one row: whole vectors and a masked tail. */
#include "el_nd.h"
#include "el_vmath.h"

#define SHORT 32

typedef struct job {
    const float *x, *scale, *bias; /* scale and bias have `period` elements */
    float* y;
    int64_t period, total;
    el_act act;
} job;

static __attribute__((noinline)) el_vf activate(const el_act* act, el_vf v) { return el_vact(*act, v); }

static void some_periods(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const int clamps = j->act.kind == EL_ACT_CLAMP, simple = clamps || j->act.kind == EL_ACT_NONE;
    const el_vf lo = el_vset1(clamps ? j->act.a : -INFINITY), hi = el_vset1(clamps ? j->act.b : INFINITY);
    const el_vf one = el_vset1(1.0f), zero = el_vzero();
    for (int64_t r = begin; r < end; r++) {
        int64_t base = r * j->period, n = j->total - base < j->period ? j->total - base : j->period, i = 0;
        const float* x = j->x + base;
        float* y = j->y + base;
        for (; i + EL_VF <= n; i += EL_VF) {
            el_vf v = el_vfma(el_vload(x + i), j->scale ? el_vload(j->scale + i) : one, j->bias ? el_vload(j->bias + i) : zero);
            el_vstore(y + i, simple ? el_vclamp(v, lo, hi) : activate(&j->act, v));
        }
        if (i < n) {
            int64_t k = n - i;
            el_vf v = el_vfma(el_vload_n(x + i, k), j->scale ? el_vload_n(j->scale + i, k) : one,
                              j->bias ? el_vload_n(j->bias + i, k) : zero);
            el_vstore_n(y + i, simple ? el_vclamp(v, lo, hi) : activate(&j->act, v), k);
        }
    }
}

EL_KERNEL_SIMD(affine_f32, el_affine_params)
void EL_SIMD_NAME(affine_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_affine_params* p = params_;
    if (p->depth == 0 || p->rows == 0) return;
    job j = {buffers[0], buffers[1], buffers[2], buffers[3], p->depth, p->rows * p->depth, p->act};
    float scale[SHORT * EL_VF], bias[SHORT * EL_VF];
    if (p->depth <= SHORT && p->rows > EL_VF) {
        j.period = p->depth * EL_VF;
        for (int64_t i = 0; i < j.period; i++) {
            scale[i] = j.scale ? j.scale[i % p->depth] : 1.0f;
            bias[i] = j.bias ? j.bias[i % p->depth] : 0.0f;
        }
        j.scale = scale;
        j.bias = bias;
    }
    el_parallel(ctx, (j.total + j.period - 1) / j.period, EL_ELEMENTS_PER_PIECE / j.period + 1, some_periods, &j);
}
