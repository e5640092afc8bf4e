/* A row at a time, three passes in cache: mean, variance about the mean (no cancellation; the corrected two-pass
 * algorithm of Chan, Golub and LeVeque 1983), result. Sums of BLOCK elements are added in double. The tail is one masked vector. */
#include "el_nd.h"
#include "el_simd.h"

#define BLOCK 4096

typedef struct job {
    const el_layer_norm_params* p;
    const float *x, *scale, *bias;
    float* y;
} job;

typedef struct moments {
    double first, second;
} moments;

/* The means of x - about and of its square. */
static moments moments_about(const float* x, int64_t n, float about) {
    const el_vf m = el_vset1(about);
    moments sum = {0, 0};
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t end = n - b < BLOCK ? n : b + BLOCK, i = b;
        el_vf s0 = el_vzero(), s1 = s0, q0 = s0, q1 = s0;
        for (; i + 2 * EL_VF <= end; i += 2 * EL_VF) {
            el_vf d0 = el_vsub(el_vload(x + i), m), d1 = el_vsub(el_vload(x + i + EL_VF), m);
            s0 = el_vadd(s0, d0), s1 = el_vadd(s1, d1);
            q0 = el_vfma(d0, d0, q0), q1 = el_vfma(d1, d1, q1);
        }
        for (; i < end; i += EL_VF) {
            int64_t k = end - i < EL_VF ? end - i : EL_VF;
            el_vf d = el_vselect(el_vfirst(k), el_vsub(el_vload_n(x + i, k), m), el_vzero());
            s0 = el_vadd(s0, d);
            q0 = el_vfma(d, d, q0);
        }
        sum.first += el_vhsum(el_vadd(s0, s1));
        sum.second += el_vhsum(el_vadd(q0, q1));
    }
    return (moments){sum.first / (double)n, sum.second / (double)n};
}

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const int64_t depth = j->p->depth;
    for (int64_t r = begin; r < end; r++) {
        const float* x = j->x + r * depth;
        float* y = j->y + r * depth;
        float about = j->p->is_rms ? 0.0f : (float)moments_about(x, depth, 0.0f).first;
        moments t = moments_about(x, depth, about);
        /* The first moment left over is the rounding error of `about`: it matters when the deviations are tiny. */
        double rest = j->p->is_rms ? 0.0 : t.first, variance = t.second - rest * rest;
        if (variance < 0) variance = 0;
        double inverse = 1.0 / sqrt(variance + (double)j->p->epsilon);
        const el_vf m = el_vset1(about), s = el_vset1((float)inverse), o = el_vset1((float)(-rest * inverse));
        for (int64_t i = 0; i < depth; i += EL_VF) {
            int64_t k = depth - i;
            if (k >= EL_VF) {
                el_vf v = el_vfma(el_vsub(el_vload(x + i), m), s, o);
                if (j->scale) v = el_vmul(v, el_vload(j->scale + i));
                if (j->bias) v = el_vadd(v, el_vload(j->bias + i));
                el_vstore(y + i, v);
            } else {
                el_vf v = el_vfma(el_vsub(el_vload_n(x + i, k), m), s, o);
                if (j->scale) v = el_vmul(v, el_vload_n(j->scale + i, k));
                if (j->bias) v = el_vadd(v, el_vload_n(j->bias + i, k));
                el_vstore_n(y + i, v, k);
            }
        }
    }
}

EL_KERNEL_SIMD(layer_norm_f32, el_layer_norm_params)
void EL_SIMD_NAME(layer_norm_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_layer_norm_params* p = params_;
    if (p->depth == 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, p->rows, EL_ELEMENTS_PER_PIECE / 2 / p->depth + 1, some_rows, &j);
}
