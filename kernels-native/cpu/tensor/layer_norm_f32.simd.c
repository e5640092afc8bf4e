/* Two rows at a time, three passes in cache: mean, variance about the mean (no cancellation; the corrected two-pass
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

/* Of R rows, `step` apart, the means of x - about and of its square. */
static inline __attribute__((always_inline)) void moments_about(const float* x, int64_t step, int64_t n, const float* about, moments* means, const int R) {
#pragma GCC unroll 2
    for (int r = 0; r < R; r++) means[r] = (moments){0, 0};
    for (int64_t b = 0; b < n; b += BLOCK) {
        const int64_t end = n - b < BLOCK ? n : b + BLOCK;
        int64_t i = b;
        el_vf m[2], s[2][2], q[2][2];
#pragma GCC unroll 2
        for (int r = 0; r < R; r++) m[r] = el_vset1(about[r]), s[r][0] = s[r][1] = q[r][0] = q[r][1] = el_vzero();
        for (; i + 2 * EL_VF <= end; i += 2 * EL_VF) {
#pragma GCC unroll 4
            for (int k = 0; k < 2 * R; k++) {
                const int r = k / 2, half = k % 2;
                const el_vf d = el_vsub(el_vload(x + r * step + i + half * EL_VF), m[r]);
                s[r][half] = el_vadd(s[r][half], d);
                q[r][half] = el_vfma(d, d, q[r][half]);
            }
        }
        for (; i < end; i += EL_VF) {
            const int64_t k = end - i < EL_VF ? end - i : EL_VF;
#pragma GCC unroll 2
            for (int r = 0; r < R; r++) {
                const el_vf d = el_vselect(el_vfirst(k), el_vsub(el_vload_n(x + r * step + i, k), m[r]), el_vzero());
                s[r][0] = el_vadd(s[r][0], d);
                q[r][0] = el_vfma(d, d, q[r][0]);
            }
        }
#pragma GCC unroll 2
        for (int r = 0; r < R; r++) {
            means[r].first += el_vhsum(el_vadd(s[r][0], s[r][1]));
            means[r].second += el_vhsum(el_vadd(q[r][0], q[r][1]));
        }
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; r++) means[r].first /= (double)n, means[r].second /= (double)n;
}

/* R rows together, as each alone would wait for its own sums. */
static inline __attribute__((always_inline)) void rows_of(const job* j, int64_t row, const int R) {
    const int64_t depth = j->p->depth;
    const float* x = j->x + row * depth;
    float* y = j->y + row * depth;
    float about[2] = {0, 0};
    moments t[2];
    for (int pass = j->p->is_rms ? 1 : 0; pass < 2; pass++) {
        moments_about(x, depth, depth, about, t, R);
        for (int r = 0; r < R && pass == 0; r++) about[r] = (float)t[r].first;
    }
    el_vf m[2], s[2], o[2];
#pragma GCC unroll 2
    for (int r = 0; r < R; r++) {
        /* The first moment left over is the rounding error of `about`: it matters when the deviations are tiny. */
        const double rest = j->p->is_rms ? 0.0 : t[r].first, variance = t[r].second - rest * rest;
        const double inverse = 1.0 / sqrt((variance < 0 ? 0 : variance) + (double)j->p->epsilon);
        m[r] = el_vset1(about[r]), s[r] = el_vset1((float)inverse), o[r] = el_vset1((float)(-rest * inverse));
    }
    int64_t i = 0;
    if (j->scale && j->bias)
        for (const float *scale = j->scale, *bias = j->bias; i + EL_VF <= depth; i += EL_VF) {
            const el_vf factor = el_vload(scale + i), term = el_vload(bias + i);
#pragma GCC unroll 2
            for (int r = 0; r < R; r++)
                el_vstore(y + r * depth + i, el_vadd(el_vmul(el_vfma(el_vsub(el_vload(x + r * depth + i), m[r]), s[r], o[r]), factor), term));
        }
    for (; i < depth; i += EL_VF) {
        const int64_t k = depth - i < EL_VF ? depth - i : EL_VF;
        const el_vf scale = !j->scale ? el_vset1(1.0f) : k == EL_VF ? el_vload(j->scale + i) : el_vload_n(j->scale + i, k);
        const el_vf bias = !j->bias ? el_vzero() : k == EL_VF ? el_vload(j->bias + i) : el_vload_n(j->bias + i, k);
#pragma GCC unroll 2
        for (int r = 0; r < R; r++) {
            const float* from = x + r * depth + i;
            el_vf v = el_vfma(el_vsub(k == EL_VF ? el_vload(from) : el_vload_n(from, k), m[r]), s[r], o[r]);
            if (j->scale) v = el_vmul(v, scale);
            if (j->bias) v = el_vadd(v, bias);
            if (k == EL_VF) el_vstore(y + r * depth + i, v);
            else el_vstore_n(y + r * depth + i, v, k);
        }
    }
}

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    for (; begin + 2 <= end; begin += 2) rows_of(arg, begin, 2);
    if (begin < end) rows_of(arg, begin, 1);
}

EL_KERNEL_SIMD(layer_norm_f32, el_layer_norm_params)
void EL_SIMD_NAME(layer_norm_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_layer_norm_params* p = params_;
    if (p->depth == 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, p->rows, EL_ELEMENTS_PER_PIECE / 2 / p->depth + 1, some_rows, &j);
}
