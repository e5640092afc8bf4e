/* A row at a time, three passes in cache: mean, variance about the mean (no cancellation), result. Sums of BLOCK elements
 * are added in double. The tail is one masked vector. */
#include "el_nd.h"
#include "el_simd.h"

#define BLOCK 4096

typedef struct job {
    const el_layer_norm_params* p;
    const float *x, *scale, *bias;
    float* y;
} job;

/* sum (x - mean)^2, or with power 1 sum (x - mean). */
static inline __attribute__((always_inline)) double moment(const float* x, int64_t n, float mean, int power) {
    const el_vf m = el_vset1(mean);
    double sum = 0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        int64_t end = n - b < BLOCK ? n : b + BLOCK, i = b;
        el_vf s0 = el_vzero(), s1 = s0;
        for (; i + 2 * EL_VF <= end; i += 2 * EL_VF) {
            el_vf d0 = el_vsub(el_vload(x + i), m), d1 = el_vsub(el_vload(x + i + EL_VF), m);
            s0 = power == 1 ? el_vadd(s0, d0) : el_vfma(d0, d0, s0);
            s1 = power == 1 ? el_vadd(s1, d1) : el_vfma(d1, d1, s1);
        }
        for (; i < end; i += EL_VF) {
            int64_t k = end - i < EL_VF ? end - i : EL_VF;
            el_vf d = el_vselect(el_vfirst(k), el_vsub(el_vload_n(x + i, k), m), el_vzero());
            s0 = power == 1 ? el_vadd(s0, d) : el_vfma(d, d, s0);
        }
        sum += el_vhsum(el_vadd(s0, s1));
    }
    return sum;
}

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const int64_t depth = j->p->depth;
    for (int64_t r = begin; r < end; r++) {
        const float* x = j->x + r * depth;
        float* y = j->y + r * depth;
        float mean = j->p->is_rms ? 0.0f : (float)(moment(x, depth, 0.0f, 1) / (double)depth);
        double variance = moment(x, depth, mean, 2) / (double)depth;
        const el_vf m = el_vset1(mean), s = el_vset1((float)(1.0 / sqrt(variance + (double)j->p->epsilon)));
        for (int64_t i = 0; i < depth; i += EL_VF) {
            int64_t k = depth - i;
            if (k >= EL_VF) {
                el_vf v = el_vmul(el_vsub(el_vload(x + i), m), s);
                if (j->scale) v = el_vmul(v, el_vload(j->scale + i));
                if (j->bias) v = el_vadd(v, el_vload(j->bias + i));
                el_vstore(y + i, v);
            } else {
                el_vf v = el_vmul(el_vsub(el_vload_n(x + i, k), m), s);
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
